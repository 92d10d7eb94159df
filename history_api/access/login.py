"""Sessions for people: a form that takes a key and gives a cookie; and who one is."""

from typing import Final

from flask import Blueprint, Response, g, jsonify, render_template, request

from edge_worker.database.api_keys import ROLES
from history_api.access.principal import authenticator
from history_api.access.session import COOKIE, LIFETIME
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
            "a form that takes a key",
            "login_form",
            {"200": {"description": "The form.", "content": _PAGE}},
            role="public",
        ),
        "post": operation(
            "begin a session of 12 hours with the form field key",
            "login",
            {
                "303": {"description": "The cookie, and on to /."},
                "401": {"description": "The form again: the key is wrong.", "content": _PAGE},
            }
            | UNAVAILABLE,
            body=_FORM,
            role="public",
        ),
    },
    "/logout": {
        "post": operation(
            "end the session", "logout", {"303": {"description": "On to /login."}}, role="public"
        ),
    },
    "/api/v1/me": get(
        "who asks, and what they may do",
        "me",
        {
            "200": json_answer(
                strict_object(
                    {
                        "name": TEXT,
                        "role": {"type": "string", "enum": list(ROLES)},
                        "device_id": or_null(DEVICE) | {"description": "of an owner: the one they see"},
                    }
                )
            )
        },
        role="owner",
    ),
}


@blueprint.get("/login")
def form() -> str:
    """Answer the form."""
    return _form("")


@blueprint.post("/login")
def login() -> Response:
    """Begin a session, or answer the form again when the key is wrong."""
    key = authenticator().key(request.form.get("key", "").strip())
    if key is None:
        return Response(_form("This key is not known here, or was removed."), 401, mimetype="text/html")
    response = _see("/")
    response.set_cookie(
        COOKIE,
        authenticator().sessions.begin(key.digest),
        max_age=LIFETIME,
        secure=request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


@blueprint.post("/logout")
def logout() -> Response:
    """End the session of this browser."""
    response = _see("/login")
    response.delete_cookie(COOKIE, secure=request.is_secure, httponly=True, samesite="Strict")
    return response


@blueprint.get("/api/v1/me")
def me() -> Response:
    """Answer who asks."""
    principal = g.principal
    return jsonify({"name": principal.name, "role": principal.role, "device_id": principal.device_id})


def _see(address: str) -> Response:
    return Response(status=303, headers={"Location": address})


def _form(error: str) -> str:
    return render_template("login.html", error=error)
