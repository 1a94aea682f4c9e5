"""Takes the pictures of docs/CONSOLE.md: `make console-images`. The server's customers are asked for meanwhile, so that the lines move."""
import http.client
import itertools
import math
import os
import pathlib
import random
import shutil
import threading
import time
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import sync_playwright

BASE = os.environ["MILLRACE_CONSOLE"]
KEY = os.environ["MILLRACE_CONSOLE_KEY"]
OUT = pathlib.Path(os.environ["MILLRACE_CONSOLE_IMAGES"])
MAX_BYTES = 150_000
SECONDS = int(os.environ.get("MILLRACE_CONSOLE_SECONDS", "150"))

PICTURES = {
    "overview": "#/overview",
    "features": "#/features",
    "feature": "#/features/customer/spend_30d",
    "lookup": f"#/lookup?service=homepage&key={KEY}&explain=clicks_7d",
    "drift": "#/drift",
    "drifting": f"#/drift/customer/{os.environ['MILLRACE_CONSOLE_DRIFTING']}",
    "shards": "#/shards",
    "drops": "#/drops",
}


def load(stop):
    """Lookups as a shop has them: some hundred a second, more and fewer."""
    host = urlsplit(BASE).netloc
    connection = http.client.HTTPConnection(host, timeout=10)
    chosen = random.Random(1)
    for turn in itertools.count():
        if stop.is_set():
            return
        for _ in range(int(40 + 25 * math.sin(turn / 40) + chosen.random() * 12)):
            connection.request("GET", f"/v1/services/{chosen.choice(['homepage', 'churn', 'search_ranking'])}/entities/c{chosen.randrange(500):07d}")
            connection.getresponse().read()
        time.sleep(0.1)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    stop = threading.Event()
    thread = threading.Thread(target=load, args=(stop,))
    thread.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("MILLRACE_CHROMIUM") or shutil.which("chromium"), args=["--no-sandbox"] if os.geteuid() == 0 else [])
            tabs = {}
            for look, options in {
                "light": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"},
                "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
                "narrow": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
            }.items():
                tabs[look] = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin", **options).new_page()
                tabs[look].goto(f"{BASE}/console")
            # The lines of the last minutes want some.
            tabs["light"].wait_for_timeout(SECONDS * 1000)
            for name, address in PICTURES.items():
                for look, page in tabs.items():
                    page.evaluate("address => { location.hash = address; }", address)
                    page.wait_for_timeout(1500)
                    page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
                    file = OUT / f"console-{name}-{look}.png"
                    page.screenshot(path=file)
                    # Flat surfaces and text: 256 colours are nearly all that there are.
                    Image.open(file).convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(file, optimize=True)
                    size = file.stat().st_size
                    print(f"{file.name}: {size} bytes")
                    assert size < MAX_BYTES, f"{file} has {size} bytes; at most {MAX_BYTES}"
            browser.close()
    finally:
        stop.set()
        thread.join()


main()
