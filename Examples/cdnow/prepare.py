#!/usr/bin/env python3
"""prepare.py DIRECTORY - fetches the CDNOW purchase history and writes DIRECTORY/purchases.ndjson, one event a line, oldest first.

The data set (69,659 purchases of 23,570 customers; P. Fader and B. Hardie's research data) comes inside the wheel `lifetimes` 0.11.3 of the
Python package index as lifetimes/datasets/CDNOW_master.txt: customer, date, number of CDs, dollars. Nothing of it is kept in the repository.
Some lines are equal, and they are separate purchases: the id of an event is its line number.
"""
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

WHEEL = "lifetimes==0.11.3"
MEMBER = "lifetimes/datasets/CDNOW_master.txt"
SHA256 = "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef"


def fetch(directory):
    """The text of the data set, from the wheel in `directory`, which is downloaded when it is not there."""
    wheels = list(directory.glob("*ifetimes-0.11.3-*.whl"))
    if not wheels:
        print(f"Downloading {WHEEL} for its data set", flush=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:",
             "--dest", str(directory), WHEEL], check=True)
        wheels = list(directory.glob("*ifetimes-0.11.3-*.whl"))
    with zipfile.ZipFile(wheels[0]) as wheel:
        data = wheel.read(MEMBER)
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        sys.exit(f"{MEMBER} in {wheels[0].name} has the SHA-256 {found}, not {SHA256}: remove the wheel and try again")
    return data.decode("ascii")


def events(text):
    header, *lines = text.splitlines()
    if header.split() != ["customer_id", "date", "number_of_cds", "dollar_value"]:
        sys.exit(f"unexpected header: {header!r}")
    for number, line in enumerate(lines, start=1):
        customer, date, quantity, dollars = line.split()
        yield {
            "purchase_id": f"{number:05d}", "customer_id": customer, "date": f"{date[:4]}-{date[4:6]}-{date[6:]}T00:00:00Z",
            "quantity": int(quantity), "amount": dollars}


def main():
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    # As time would have it: by date, and within a day in the order of the file.
    ordered = sorted(events(fetch(directory)), key=lambda event: (event["date"], event["purchase_id"]))
    with open(directory / "purchases.ndjson", "w") as out:
        for event in ordered:
            # The amount is written digit by digit as the file has it.
            amount = event.pop("amount")
            out.write(json.dumps(event, separators=(",", ":"))[:-1] + f',"amount":{amount}}}\n')
    print(f"{len(ordered)} purchases of {len({event['customer_id'] for event in ordered})} customers")


if __name__ == "__main__":
    main()
