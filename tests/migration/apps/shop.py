"""A shop on Flask-RESTX: registration by mail, a reset form, a change of address.

Mails are sent with the signatures of flask-praetorian 1.6, or, where ``SHOP_MAILS`` is ``1.3``, with those that 1.0 to
1.5 had.
"""

from __future__ import annotations

import os

import flask
import flask_praetorian
import flask_restx
import flask_sqlalchemy

db = flask_sqlalchemy.SQLAlchemy()
guard = flask_praetorian.Praetorian()


class Customer(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(120), unique=True, nullable=False)
    password = db.Column(db.String(255), nullable=False)
    confirmed = db.Column(db.Boolean, default=False)

    @property
    def username(self):
        return self.email

    @property
    def rolenames(self):
        return ["customer"]

    @property
    def identity(self):
        return self.id

    @classmethod
    def lookup(cls, email):
        return cls.query.filter_by(email=email).one_or_none()

    @classmethod
    def identify(cls, id):
        return cls.query.get(id)

    def is_valid(self):
        return self.confirmed


SUBJECT = "Please confirm your registration"

if os.environ.get("SHOP_MAILS") == "1.3":

    def send_registration(customer):
        return guard.send_registration_email(
            customer.email, user=customer, confirmation_sender="shop@example.org", subject=SUBJECT
        )

    def send_reset(email):
        return guard.send_reset_email(email, reset_uri="https://shop.example/reset")

    def send_address(customer, email, **details):
        return guard.send_token_email(email, user=customer, **details)

else:

    def send_registration(customer):
        return guard.send_registration_email(customer.email, customer)

    def send_reset(email):
        return guard.send_reset_email(email, Customer.lookup(email))

    def send_address(customer, email, **details):
        return guard.send_token_email(email, **details)


def create_app(database):
    app = flask.Flask(__name__)
    app.config["SECRET_KEY"] = "a shop's secret"
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + database
    app.config["SQLALCHEMY_TRACK_MODIFICATIONS"] = False
    app.config["PRAETORIAN_CONFIRMATION_SENDER"] = "shop@example.org"
    app.config["PRAETORIAN_CONFIRMATION_URI"] = "https://shop.example/confirm"
    app.config["PRAETORIAN_RESET_SENDER"] = "shop@example.org"
    app.config["PRAETORIAN_RESET_URI"] = "https://shop.example/reset"
    app.config["JWT_PLACES"] = ["header", "cookie"]
    guard.init_app(app, Customer)
    db.init_app(app)
    api = flask_restx.Api(app)
    for name in ("register_error_handler_with_flask_restx", "register_error_handler_with_flask_restplus"):
        register = getattr(flask_praetorian.PraetorianError, name, None)
        if register is not None:
            register(api)
            break

    with app.app_context():
        db.create_all()
        if Customer.query.count() == 0:
            for name in ("erin", "frank"):
                email = name + "@example.org"
                db.session.add(Customer(email=email, password=guard.hash_password("pass" + name), confirmed=True))
            db.session.commit()

    @api.route("/customers")
    class Customers(flask_restx.Resource):
        def post(self):
            request = flask.request.get_json(force=True)
            customer = Customer(email=request["email"], password=guard.hash_password(request["password"]))
            db.session.add(customer)
            db.session.commit()
            sent = send_registration(customer)
            return {"subject": sent["subject"], "token": sent["token"]}, 201

    @api.route("/confirm")
    class Confirm(flask_restx.Resource):
        def get(self):
            customer = guard.get_user_from_registration_token(guard.read_token_from_header())
            customer.confirmed = True
            db.session.commit()
            return {"access_token": guard.encode_jwt_token(customer)}

    @api.route("/login")
    class Login(flask_restx.Resource):
        def post(self):
            request = flask.request.get_json(force=True)
            customer = guard.authenticate(request["email"], request["password"])
            return {"access_token": guard.encode_jwt_token(customer)}

    @api.route("/forgot")
    class Forgot(flask_restx.Resource):
        def post(self):
            sent = send_reset(flask.request.get_json(force=True)["email"])
            return {"subject": sent["subject"], "uri": sent["action_uri"], "token": sent["token"]}

    @api.route("/reset")
    class Reset(flask_restx.Resource):
        def get(self):
            return {"email": guard.validate_reset_token(flask.request.args["token"]).email}

        def post(self):
            request = flask.request.get_json(force=True)
            customer = guard.validate_reset_token(request["token"])
            customer.password = guard.hash_password(request["password"])
            db.session.commit()
            return {"message": "changed"}

    @api.route("/basket")
    class Basket(flask_restx.Resource):
        @flask_praetorian.auth_required
        def get(self):
            return {"owner": flask_praetorian.current_user().email}

        @flask_praetorian.roles_required("clerk")
        def delete(self):
            return {"message": "emptied"}

    @api.route("/address")
    class Address(flask_restx.Resource):
        @flask_praetorian.auth_required
        def post(self):
            customer = flask_praetorian.current_user()
            email = flask.request.get_json(force=True)["email"]
            token = guard.encode_jwt_token(
                customer, override_access_lifespan=guard.refresh_lifespan, bypass_user_check=True, new_email=email
            )
            sent = send_address(
                customer,
                email,
                template="Confirm {{ email }} at {{ action_uri }}?token={{ token }}",
                action_sender="shop@example.org",
                action_uri="https://shop.example/address",
                subject="Your new address",
                custom_token=token,
            )
            return {"message": sent["message"], "token": token}

        def put(self):
            data = guard.extract_jwt_token(flask.request.get_json(force=True)["token"])
            customer = Customer.identify(data["id"])
            customer.email = data["new_email"]
            db.session.commit()
            return {"email": customer.email}

    return app
