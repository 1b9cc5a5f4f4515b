"""Reads the messages of a folder with Python's e-mail package and compares them with what was meant.

Each `N.eml` stands beside an `N.json` with the subject, the names, the texts, the headers and the files. Any
defect that the package finds, in the message, a part or a header, is a mistake of ours.
"""

import base64
import email
import email.policy
import json
import pathlib
import sys


def equal(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r} is not {expected!r}")


def check_lines(name, data):
    for line in data.split(b"\r\n"):
        if len(line) > 998 or b"\n" in line or b"\r" in line or line.startswith(b"."):
            sys.exit(f"{name}: {line!r} is no sound line")


def check_defects(name, message):
    for part in message.walk():
        defects = list(part.defects)
        for header, value in part.items():
            defects += value.defects
            if len(value) > 0 and "\n" in value:
                sys.exit(f"{name}: {header} has a line break")
        equal(f"{name}: defects of {part.get_content_type()}", defects, [])


def shape(part):
    """The types of the parts, nested as the parts are."""
    if part.is_multipart():
        return [part.get_content_subtype(), *map(shape, part.iter_parts())]
    return part.get_content_type()


def check(name, data, expected):
    check_lines(name, data)
    message = email.message_from_bytes(data, policy=email.policy.default)
    check_defects(name, message)
    equal(f"{name}: parts", shape(message), expected["shape"])
    equal(f"{name}: subject", message["subject"], expected["subject"])
    for header in ("from", "to"):
        address = message[header].addresses[0]
        equal(f"{name}: {header}", [address.display_name, address.addr_spec], expected[header])
    for header, value in expected["headers"].items():
        equal(f"{name}: {header}", message[header], value)
    for kind in ("plain", "html"):
        body = message.get_body((kind,)).get_content().replace("\r\n", "\n")
        equal(f"{name}: {kind}", body, expected[kind])
    files = [part for part in message.walk() if part.get_content_disposition()]
    found = [
        [part.get_filename(), part.get_content_disposition(), part["content-id"],
         base64.b64encode(part.get_payload(decode=True)).decode()]
        for part in files
    ]
    equal(f"{name}: files", found, expected["files"])


messages = sorted(pathlib.Path(sys.argv[1]).glob("*.eml"))
for path in messages:
    check(path.stem, path.read_bytes(), json.loads(path.with_suffix(".json").read_text("utf-8")))
print(len(messages))
