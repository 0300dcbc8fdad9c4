#!/usr/bin/env python3
"""variables.py - the table of variables in ansible/README.md, made of the roles' argument_specs.

Usage: tests/variables.py [--check]
Writes the table anew; --check fails where it is not that, or where a role's defaults are not what its
argument_specs say, or where one of both lacks a variable."""
import json
import sys
from pathlib import Path

import yaml

ANSIBLE = Path(__file__).resolve().parents[1] / "ansible"
README = ANSIBLE / "README.md"
BEGIN, END = "<!-- variables: made by tests/variables.py -->\n", "<!-- end of variables -->\n"


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def specs():
    """Role by role: its options. Those of all but a few stand with the role `pair`."""
    for path in sorted(ANSIBLE.glob("roles/*/meta/argument_specs.yml"), key=lambda p: (p.parts[-3] != "pair", p)):
        yield path.parts[-3], read(path)["argument_specs"]["main"]["options"]


def shown_default(option):
    if option.get("required"):
        return "**needed**"
    return f"`{json.dumps(option['default'])}`" if "default" in option else ""


def shown_type(option):
    kind = f"list of {option['elements']}" if option["type"] == "list" else option["type"]
    return " \\| ".join(option["choices"]) if "choices" in option else kind


def rows(options, prefix=""):
    for name, option in options.items():
        yield f"| `{prefix}{name}` | {shown_type(option)} | {shown_default(option)} | {option['description'].strip()} |\n"
        yield from rows(option.get("options", {}), f"{prefix}{name}.")


def table():
    text = "| Variable | Type | Default | Meaning |\n| --- | --- | --- | --- |\n"
    for _, options in specs():
        text += "".join(rows(options))
    return text


def differences():
    """Between a role's defaults and its specs. A default that is computed is described in words."""
    for role, options in specs():
        path = ANSIBLE / "roles" / role / "defaults" / "main.yml"
        defaults = read(path)
        needed = {name for name, option in options.items() if option.get("required")}
        for name in sorted(set(options) - needed - set(defaults)):
            yield f"{path}: {name} is missing, or its spec is one too many"
        for name, value in defaults.items():
            if name not in options:
                yield f"{path}: {name} is not in the role's argument_specs.yml"
            elif "{{" not in str(value) and name not in needed and options[name].get("default") != value:
                yield f"{path}: {name} is {value!r}, and {options[name].get('default')!r} in argument_specs.yml"


def main():
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    made = before + BEGIN + table() + END + after
    faults = list(differences())
    if "--check" not in sys.argv[1:]:
        README.write_text(made, encoding="utf-8")
    elif made != text:
        faults.append(f"{README}: the table is not what the argument_specs say; make it anew: tests/variables.py")
    sys.exit("\n".join(faults) or None)


main()
