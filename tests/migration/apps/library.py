"""A library on Flask-RESTful: the bundled user mixin, the passlib context, a header made for a client."""

from __future__ import annotations

import flask
import flask_praetorian
import flask_restful
import flask_sqlalchemy
from flask_praetorian.constants import AccessType
from flask_praetorian.exceptions import PraetorianError

db = flask_sqlalchemy.SQLAlchemy()
guard = flask_praetorian.Praetorian()


class Reader(db.Model, flask_praetorian.SQLAlchemyUserMixin):
    id = db.Column(db.Integer, primary_key=True)
    username = db.Column(db.String(80), unique=True, nullable=False)
    hashed_password = db.Column(db.String(255), nullable=False)
    roles = db.Column(db.String(80), default="")


class Login(flask_restful.Resource):
    def post(self):
        arguments = flask.request.get_json(force=True)
        reader = guard.authenticate(arguments["username"], arguments["password"])
        if guard.pwd_ctx.identify(reader.hashed_password) is None:
            raise PraetorianError("unknown hash")
        return guard.pack_header_for_user(reader)


class Refresh(flask_restful.Resource):
    def get(self):
        return {"access_token": guard.refresh_jwt_token(guard.read_token())}


class Books(flask_restful.Resource):
    method_decorators = [flask_praetorian.auth_required]

    def get(self):
        return {"reader": flask_praetorian.current_user().username}


class Shelves(flask_restful.Resource):
    @flask_praetorian.roles_accepted("librarian", "director")
    def get(self):
        return {"roles": sorted(flask_praetorian.current_rolenames())}


class Password(flask_restful.Resource):
    method_decorators = [flask_praetorian.auth_required]

    def put(self):
        arguments = flask.request.get_json(force=True)
        reader = flask_praetorian.current_user()
        if not guard.pwd_ctx.verify(arguments["old"], reader.hashed_password):
            raise flask_praetorian.exceptions.AuthenticationError("the old password is wrong")
        reader.hashed_password = guard.pwd_ctx.hash(arguments["new"])
        db.session.commit()
        return {"message": "changed"}


class Peek(flask_restful.Resource):
    def get(self):
        data = guard.extract_jwt_token(guard.read_token_from_header(), access_type=AccessType.refresh)
        return {"id": data["id"], "roles": data["rls"]}


def create_app(database):
    app = flask.Flask(__name__)
    app.config["SECRET_KEY"] = "dev"
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + database
    app.config["SQLALCHEMY_TRACK_MODIFICATIONS"] = False
    app.config["PRAETORIAN_HASH_SCHEME"] = "sha512_crypt"
    app.config["PROPAGATE_EXCEPTIONS"] = True
    guard.init_app(app, Reader)
    db.init_app(app)
    api = flask_restful.Api(app)
    api.add_resource(Login, "/login")
    api.add_resource(Refresh, "/refresh")
    api.add_resource(Books, "/books")
    api.add_resource(Shelves, "/shelves")
    api.add_resource(Password, "/password")
    api.add_resource(Peek, "/peek")

    with app.app_context():
        db.create_all()
        if Reader.query.count() == 0:
            for name, roles in (("grace", "librarian"), ("heidi", "")):
                db.session.add(Reader(username=name, hashed_password=guard.hash_password("pw-" + name), roles=roles))
            db.session.commit()
    return app
