"""Verifies the DKIM signatures of the messages on standard input, which are separated by NUL.

Prints a line for each message, and in it a word for each signature: good or bad.

Arguments: pairs of a DNS name and its TXT record. Needs dkimpy and PyNaCl (Debian: python3-dkim, python3-nacl).
"""

import sys

import dkim

names = dict(zip(sys.argv[1::2], sys.argv[2::2]))


def txt(name, timeout=5):
    return names.get(name.decode().rstrip("."), "").encode()


def verdict(message, index):
    try:
        return "good" if dkim.DKIM(message).verify(idx=index, dnsfunc=txt) else "bad"
    except dkim.DKIMException:
        return "bad"


for message in sys.stdin.buffer.read().split(b"\0"):
    signatures = message.lower().count(b"dkim-signature:")
    print(" ".join(verdict(message, index) for index in range(signatures)))
