"""A forum on plain Flask: tokens are refreshed from the raw body, and a table of revoked ids ends sessions."""

from __future__ import annotations

import os

import flask
import flask_praetorian
import flask_sqlalchemy

db = flask_sqlalchemy.SQLAlchemy()
guard = flask_praetorian.Praetorian()


class Member(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    username = db.Column(db.String(80), unique=True, nullable=False)
    password = db.Column(db.String(255), nullable=False)
    roles = db.Column(db.String(80), default="")
    is_active = db.Column(db.Boolean, default=True)

    @property
    def rolenames(self):
        return self.roles.split(",") if self.roles else []

    @property
    def identity(self):
        return self.id

    @classmethod
    def lookup(cls, username):
        return cls.query.filter_by(username=username).one_or_none()

    @classmethod
    def identify(cls, id):
        return db.session.get(cls, id) if hasattr(db.session, "get") else cls.query.get(id)

    def is_valid(self):
        return self.is_active


class RevokedToken(db.Model):
    jti = db.Column(db.String(40), primary_key=True)


def is_revoked(jti):
    return RevokedToken.query.filter_by(jti=jti).count()


def create_app(database):
    app = flask.Flask(__name__)
    app.config["SECRET_KEY"] = "top secret"
    app.config["JWT_ACCESS_LIFESPAN"] = {"minutes": 15}
    app.config["JWT_REFRESH_LIFESPAN"] = {"days": 30}
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + database
    app.config["SQLALCHEMY_TRACK_MODIFICATIONS"] = False
    guard.init_app(app, Member, is_blacklisted=is_revoked)
    db.init_app(app)

    with app.app_context():
        db.create_all()
        if Member.query.count() == 0:
            for name, roles in (("alice", "admin"), ("bob", ""), ("carol", "moderator,writer"), ("dave", "")):
                db.session.add(Member(username=name, password=guard.hash_password(name + "'s password"), roles=roles))
            db.session.commit()

    @app.route("/login", methods=["POST"])
    def login():
        request = flask.request.get_json(force=True)
        user = guard.authenticate(request.get("username"), request.get("password"))
        return flask.jsonify(access_token=guard.encode_jwt_token(user, team="red")), 200

    @app.route("/refresh", methods=["POST"])
    def refresh():
        token = flask.request.get_data()
        return flask.jsonify(access_token=guard.refresh_jwt_token(token))

    @app.route("/me")
    @flask_praetorian.auth_required
    def me():
        user = flask_praetorian.current_user()
        return flask.jsonify(
            id=flask_praetorian.current_user_id(),
            username=user.username,
            roles=sorted(flask_praetorian.current_rolenames()),
            claims=flask_praetorian.current_custom_claims(),
        )

    @app.route("/welcome")
    @flask_praetorian.auth_accepted
    def welcome():
        try:
            return flask.jsonify(message="hello " + flask_praetorian.current_user().username)
        except flask_praetorian.PraetorianError:
            return flask.jsonify(message="hello stranger")

    @app.route("/admin")
    @flask_praetorian.roles_required("admin")
    def admin():
        return flask.jsonify(message="the panel")

    @app.route("/moderate")
    @flask_praetorian.auth_required
    @flask_praetorian.roles_accepted("admin", "moderator")
    def moderate():
        return flask.jsonify(message="the queue")

    @app.route("/logout", methods=["POST"])
    def logout():
        token = guard.read_token_from_header()
        data = guard.extract_jwt_token(token)
        db.session.add(RevokedToken(jti=data["jti"]))
        db.session.commit()
        return flask.jsonify(message="goodbye", id=data["id"])

    @app.route("/token")
    def token():
        data = guard.extract_jwt_token(guard.read_token_from_header())
        return flask.jsonify(lives=data["exp"] - data["iat"], ends=data["rf_exp"] - data["iat"], names=sorted(data))

    @app.route("/ban/<name>", methods=["POST"])
    @flask_praetorian.roles_required("admin")
    def ban(name):
        Member.lookup(name).is_active = False
        db.session.commit()
        return flask.jsonify(message=name + " is banned")

    @app.route("/eternal", methods=["POST"])
    @flask_praetorian.roles_required("admin")
    def eternal():
        user = flask_praetorian.current_user()
        return flask.jsonify(access_token=guard.encode_eternal_jwt_token(user))

    return app


if __name__ == "__main__":
    create_app(os.environ["DATABASE"]).run()
