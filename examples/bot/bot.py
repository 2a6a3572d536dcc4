#!/usr/bin/env python3
"""A small bot that speaks signal-cli's JSON-RPC. It needs Python 3.8 and nothing else.

    bot.py ADDRESS

ADDRESS is where `waxwing daemon --tcp` (or `signal-cli daemon --tcp`) listens, as localhost:7583, or the path
of the socket of `waxwing daemon --socket` (or `signal-cli daemon --socket`). Nothing else differs.

Write to it:

    !echo TEXT      it says TEXT back, to you or in the group where you wrote
    !group NAME     it makes a group with you and greets you there
    !quit           it ends
"""

import itertools
import json
import socket
import sys


class RpcError(Exception):
    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]


class Connection:
    """One JSON object a line, both ways: answers have the request's id, what happens has none."""

    def __init__(self, address):
        if address.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.ids = itertools.count(1)
        self.waiting = []

    def call(self, method, **params):
        number = next(self.ids)
        request = {"jsonrpc": "2.0", "method": method, "params": params, "id": number}
        self.socket.sendall((json.dumps(request) + "\n").encode())
        while True:
            message = self.read()
            if message.get("id") == number:
                if "error" in message:
                    raise RpcError(message["error"])
                return message["result"]
            self.waiting.append(message)

    def events(self):
        while True:
            message = self.waiting.pop(0) if self.waiting else self.read()
            if message.get("method") == "receive":
                yield message["params"]["envelope"]

    def read(self):
        line = self.lines.readline()
        if not line:
            sys.exit("the connection has ended")
        return json.loads(line)


def place_of(envelope):
    """Where an answer goes: to the group, or to the author."""
    group = envelope["dataMessage"].get("groupInfo")
    if group:
        return {"groupId": group["groupId"]}
    return {"recipient": [envelope["sourceUuid"] or envelope["sourceNumber"]]}


def answer(connection, envelope):
    """Deals with one message; returns whether to go on."""
    text = envelope["dataMessage"].get("message")
    if not text or not text.startswith("!"):
        return True
    place = place_of(envelope)
    try:
        connection.call(
            "sendReaction",
            **place,
            emoji="👀",
            targetAuthor=envelope["sourceUuid"] or envelope["sourceNumber"],
            targetTimestamp=envelope["timestamp"],
        )
    except RpcError as error:
        print(f"no reaction: {error}", file=sys.stderr)
    word, _, rest = text.partition(" ")
    if word == "!echo":
        connection.call("send", **place, message=rest)
    elif word == "!group":
        made = connection.call("updateGroup", name=rest, members=[envelope["sourceUuid"]])
        connection.call("send", groupId=made["groupId"], message=f"Welcome to {rest}!")
    elif word == "!quit":
        connection.call("send", **place, message="Good-bye!")
        return False
    else:
        connection.call("send", **place, message="I know !echo, !group and !quit.")
    return True


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    connection = Connection(sys.argv[1])
    print("listening", flush=True)
    for envelope in connection.events():
        if envelope.get("dataMessage"):
            print(f"{envelope['sourceName']}: {envelope['dataMessage'].get('message')}", flush=True)
            if not answer(connection, envelope):
                return


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
