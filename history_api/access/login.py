"""Login and logout for browsers, and `/api/v1/me`, the principal of a request."""

from typing import Final

from flask import Blueprint, Response, g, jsonify, render_template, request

from edge_worker.database.access.api_key import ROLES
from edge_worker.database.access.browser_session import LIFETIME
from history_api.access.authentication import authenticator
from history_api.access.proxy import root
from history_api.access.session import COOKIE
from history_api.openapi.operation import UNAVAILABLE, Paths, get, json_answer, operation
from history_api.openapi.schemas import DEVICE, TEXT, Schema, or_null, strict_object

_PAGE: Final[Schema] = {"text/html": {"schema": TEXT}}
_FORM: Final[Schema] = {
    "required": True,
    "content": {"application/x-www-form-urlencoded": {"schema": strict_object({"key": TEXT})}},
}
blueprint = Blueprint("login", __name__)
PATHS: Final[Paths] = {
    "/login": {
        "get": operation(
            "a form to sign in with a key",
            "login_form",
            {"200": {"description": "The form.", "content": _PAGE}},
            role="public",
        ),
        "post": operation(
            "begin a session of 12 hours with the key in the form field `key`",
            "login",
            {
                "303": {"description": "The cookie of the session, and a redirect to /."},
                "401": {"description": "The form again: the key is wrong.", "content": _PAGE},
            }
            | UNAVAILABLE,
            body=_FORM,
            role="public",
        ),
    },
    "/logout": {
        "post": operation(
            "end the session",
            "logout",
            {"303": {"description": "A redirect to /login."}} | UNAVAILABLE,
            role="public",
        ),
    },
    "/api/v1/me": get(
        "name, role and device of the key or session that asks",
        "me",
        {
            "200": json_answer(
                strict_object(
                    {
                        "name": TEXT,
                        "role": {"type": "string", "enum": list(ROLES)},
                        "device_id": or_null(DEVICE)
                        | {"description": "of an owner: the one accessible device"},
                    }
                )
            )
        },
        role="owner",
    ),
}


@blueprint.get("/login")
def form() -> str:
    """Answer the form to sign in."""
    return _form("")


@blueprint.post("/login")
def login() -> Response:
    """Begin a session; answer the form again when the key is wrong."""
    key = authenticator().check_token(request.form.get("key", "").strip())
    if key is None:
        return Response(_form("This key is unknown or was removed."), 401, mimetype="text/html")
    _end_session()
    response = _redirect("/")
    response.set_cookie(
        COOKIE,
        authenticator().sessions.begin(key),
        max_age=LIFETIME,
        path=root() or "/",
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


@blueprint.post("/logout")
def logout() -> Response:
    """End the session of this browser: its cookie opens nothing more, wherever it was copied to."""
    _end_session()
    response = _redirect("/login")
    response.delete_cookie(
        COOKIE, path=root() or "/", secure=request.is_secure, httponly=True, samesite="Strict"
    )
    return response


@blueprint.get("/api/v1/me")
def me() -> Response:
    """Answer the principal of the request."""
    principal = g.principal
    return jsonify({"name": principal.name, "role": principal.role, "device_id": principal.device_id})


def _end_session() -> None:
    cookie = request.cookies.get(COOKIE)
    if cookie is not None:
        authenticator().sessions.end(cookie)


def _redirect(address: str) -> Response:
    return Response(status=303, headers={"Location": address})


def _form(error: str) -> str:
    return render_template("login.html", error=error)
