"""The sign-in page leads back to where one came from, whatever way in one takes."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from api.identity.pages import sign_in_page


@pytest.mark.parametrize(
    "after", ["/", "/trends?device=a&property=b", '/alerts?text=50%25 "full"&x=\'', "/plan#Nord é"]
)
def test_both_ways_in_keep_the_whole_address(after: str) -> None:
    page = bytes(sign_in_page(after, provider=True).body).decode()
    (address,) = re.findall(r'href="(/sign-in/provider[^"]*)"', page)
    assert parse_qs(urlsplit(unescape(address)).query) == {"next": [after]}
    (field,) = re.findall(r'name="next" value="([^"]*)"', page)
    assert unescape(field) == after
