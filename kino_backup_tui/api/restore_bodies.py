"""The bodies of requests to restore: a small JSON object, or the fields of a form."""

from __future__ import annotations

from copy import deepcopy
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import ValidationError

from kino_backup_tui.api.body import Body
from kino_backup_tui.api.errors import ApiError
from kino_backup_tui.api.restore_models import RestoreRequest
from kino_backup_tui.api.service import ServiceOf
from kino_backup_tui.api.uploads import UPLOAD_BODY, require_unpacked

_LARGEST = 64 << 10
"""Many times what such an object can have; all of it is in memory."""
_JSON = "application/json"

JSON_BODY: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "description": "How to restore; nothing at all is as good as an empty object.",
        "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{RestoreRequest.__name__}"}}},
    }
}
"""What OpenAPI says of the one, for the `openapi_extra` of an endpoint that takes `AskedOf`."""


def form_body() -> dict[str, Any]:
    """What OpenAPI says of the other: the form with the archive and the fields of `RestoreRequest`."""
    body = deepcopy(UPLOAD_BODY)
    form = body["requestBody"]["content"]["multipart/form-data"]["schema"]
    fields = RestoreRequest.model_json_schema()["properties"]
    # A field of a form is there or not: there is no null.
    form["properties"] |= {**fields, "fingerprint": fields["fingerprint"]["anyOf"][0]}
    form["additionalProperties"] = False
    return body


def from_form(fields: dict[str, str]) -> RestoreRequest:
    """The request in the fields of a form; raises `ApiError` 400."""
    try:
        return RestoreRequest.model_validate(fields, strict=False)
    except ValidationError as error:
        raise _invalid("form field", error) from error


async def _from_json(request: Request, service: ServiceOf) -> RestoreRequest:
    pieces = Body(request, service)
    body = b""
    while piece := await pieces.next_piece():
        body += piece
        if len(body) > _LARGEST:
            raise ApiError(413, f"A request to restore may have {_LARGEST} bytes.")
    if not body:
        return RestoreRequest()
    require_unpacked(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise ApiError(415, f"The body must be {_JSON}.")
    try:
        return RestoreRequest.model_validate_json(body)
    except ValidationError as error:
        raise _invalid("body", error) from error


AskedOf = Annotated[RestoreRequest, Depends(_from_json)]
"""The annotation of an endpoint's parameter that gets the request in the body."""


def _invalid(where: str, error: ValidationError) -> ApiError:
    first = error.errors(include_url=False, include_context=False)[0]
    place = " ".join(str(step) for step in (where, *first["loc"]))
    return ApiError(400, f"Invalid {place}: {first['msg']}.")
