"""Notifications in the dashboard: what it says of them, and a test of a rule, in a real browser."""

from collections.abc import Iterator

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from browser_site import Tab, chromium, require_chromium
from conftest import wait_until
from notified_site import SECRET, NotifiedSite
from playwright.sync_api import Browser, expect

RULES = """
[[rule]]
name = "alarm"
on = "sound"
labels = ["siren", "door_wood_knock"]
devices = ["room-*"]
send_to = ["phone"]

[[rule]]
name = "site"
on = "worker"
send_to = ["phone", "ward"]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotifiedSite]:
    with NotifiedSite(tmp_path_factory.mktemp("site")) as running:
        running.start_worker()
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require_chromium()
    with chromium() as started:
        yield started


def test_an_admin_sees_what_is_told_and_tests_a_rule(site: NotifiedSite, browser: Browser) -> None:
    url = site.start_api()
    address = f"{url}/api/v1/notifications"
    unused = requests.get(address, timeout=10).json()
    assert (unused["used"], unused["fault"], unused["rules"]) == (False, None, [])
    refused = requests.post(f"{address}/tests", json={"rule": "alarm"}, timeout=10)
    assert (refused.status_code, "not used here" in refused.json()["detail"]) == (503, True)
    assert requests.get(f"{url}/ui/notifications", timeout=10, headers={"Accept": "text/html"}).ok

    site.write_rules(RULES)
    process = site.start_notify()
    site.publish(1)
    wait_until(site.ids, "a message")
    wait_until(lambda: requests.get(address, timeout=10).json()["counters"].get("sent"), "the note of it")
    known = requests.get(address, timeout=10)
    assert SECRET not in known.text
    assert known.json()["last"][0]["title"] == "! Siren – room-1"
    assert known.json()["last"][0]["state"] == "sent"
    assert [each["name"] for each in known.json()["rules"]] == ["alarm", "site"]
    unknown = requests.post(f"{address}/tests", json={"rule": "alert"}, timeout=10)
    assert (unknown.status_code, "alarm, site" in unknown.json()["detail"]) == (404, True)
    metrics = requests.get(f"{url}/metrics", timeout=10).text
    assert "stetho_notify_up 1.0" in metrics
    assert 'stetho_notify_messages_total{outcome="sent"} 1.0' in metrics

    context = browser.new_context(base_url=url, locale="de-DE", bypass_csp=True)
    tab = Tab(context.new_page(), url)
    page = tab.page
    page.goto("/ui/system")
    page.get_by_role("link", name="Notifications").click()
    expect(page.locator("h1")).to_have_text("Benachrichtigungen")
    expect(page.locator("#state")).to_have_text("✓ Benachrichtigungen werden verschickt.")
    expect(page.get_by_text("Geräusche: Sirene, Klopfen an der Tür (room-*)")).to_be_visible()
    page.get_by_role("button", name="Test senden: site").click()
    expect(page.locator("#test-2")).to_have_text("phone: hat sie angenommen; ward: hat sie angenommen")
    assert site.web.titles()[-1] == "Test of the rule “site”"
    site.web.status = 500
    page.get_by_role("button", name="Test senden: alarm").click()
    expect(page.locator("#test-1")).to_have_text("⚠ phone: it answers HTTP 500")
    assert Axe().run(page).violations_count == 0
    process.kill()
    page.reload()
    expect(page.locator("#state")).to_contain_text("notifications do not run")
    assert (
        "do not run"
        in requests.get(f"{url}/health", timeout=10).json()["components"]["notifications"]["detail"]
    )
    assert SECRET not in page.content()
    context.close()
    assert tab.faults == []
