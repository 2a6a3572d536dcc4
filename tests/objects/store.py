"""What a test does to an S3 server behind everybody's back.

    store.py ENDPOINT BUCKET make
    store.py ENDPOINT BUCKET list              a line for each object: its size and its key
    store.py ENDPOINT BUCKET dump FOLDER       every object as a file
    store.py ENDPOINT BUCKET flip KEY PLACE    another byte there
    store.py ENDPOINT BUCKET drop KEY
    store.py ENDPOINT BUCKET fits URL BYTES    whether a body of so many bytes fits the signature of a URL to put it

The key is in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""

import os
import sys

from urllib.parse import parse_qsl

import boto3
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def fits(url, size):
    """As Amazon's own library signs it."""
    place, query = url.split("?", 1)
    query = dict(parse_qsl(query))
    key = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    _, _, region, service, _ = query["X-Amz-Credential"].split("/")
    signer = S3SigV4QueryAuth(key, service, region, expires=int(query["X-Amz-Expires"]))
    request = AWSRequest("PUT", place, headers={"Content-Length": size})
    request.context["timestamp"] = query["X-Amz-Date"]
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return signer.signature(text, request) == query["X-Amz-Signature"]


def main(endpoint, bucket, command, *rest):
    store = boto3.client("s3", endpoint_url=endpoint, region_name=os.environ.get("AWS_REGION", "us-east-1"))
    if command == "make":
        store.create_bucket(Bucket=bucket)
        return
    if command == "flip":
        key, place = rest[0], int(rest[1])
        body = bytearray(store.get_object(Bucket=bucket, Key=key)["Body"].read())
        body[place] ^= 0x40
        store.put_object(Bucket=bucket, Key=key, Body=bytes(body))
        return
    if command == "fits":
        print("yes" if fits(*rest) else "no")
        return
    if command == "drop":
        store.delete_object(Bucket=bucket, Key=rest[0])
        return
    for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            if command == "list":
                print(entry["Size"], entry["Key"])
            else:
                path = os.path.join(rest[0], entry["Key"].replace("/", "_"))
                store.download_file(bucket, entry["Key"], path)


main(*sys.argv[1:])
