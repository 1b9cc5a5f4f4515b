"""Turns infra/template.yaml into plain CloudFormation, as AWS would, and prints it as JSON.

Usage: transform.py TEMPLATE. Linters look at the properties of what SAM makes of a template only here.
"""

import json
import os
import sys

# The translator asks boto3 for a Region; none is called.
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


class ManagedPolicies:
    """Asked for the ARNs of managed policies by name; the template names none."""

    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file)
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        # What `sam deploy` puts there after it has uploaded the code.
        resource["Properties"]["CodeUri"] = {"Bucket": "artifacts", "Key": "code.zip"}
parameters = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
json.dump(transform(template, parameters, ManagedPolicies()), sys.stdout, indent=1)
