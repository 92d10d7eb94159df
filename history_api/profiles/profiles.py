"""The blueprint of all older systems, made from the table of profiles."""

from functools import partial
from typing import Final

from flask import Blueprint

from history_api.openapi.operation import Paths
from history_api.openapi.operation_lookup import openapi_path
from history_api.profiles.endpoints import ENDPOINTS, SCHEMAS
from history_api.profiles.profile import PROFILES, Profile

__all__ = ["PATHS", "SCHEMAS", "blueprint"]


def _blueprint(profile: Profile) -> Blueprint:
    made = Blueprint(profile.name, __name__, url_prefix=f"/{profile.name}")
    for address in profile.addresses:
        endpoint = ENDPOINTS[address]
        made.add_url_rule(
            endpoint.rule or address,
            endpoint=endpoint.describe(profile)["operationId"],
            view_func=partial(endpoint.view, profile),
            methods=[endpoint.verb],
            strict_slashes=False,
        )
    return made


def _paths(profile: Profile) -> Paths:
    paths: Paths = {}
    for address in profile.addresses:
        endpoint = ENDPOINTS[address]
        method = endpoint.describe(profile)
        name = f"{profile.name.replace('-', '_')}_{method['operationId']}"
        path = openapi_path(f"/{profile.name}{endpoint.rule or address}")
        paths[path] = {endpoint.verb: method | {"operationId": name}}
    return paths


blueprint: Final = Blueprint("profiles", __name__)
for _each in PROFILES:
    blueprint.register_blueprint(_blueprint(_each))
PATHS: Final[Paths] = {path: item for each in PROFILES for path, item in _paths(each).items()}
