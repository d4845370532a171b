"""The smoke test's check for third parties is shown what it must find, and what it must leave alone."""

from __future__ import annotations

import pytest

from tests.containers.site import from_third_parties, loading_tags


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://cdn.example/x.js">',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        "<img alt=x src='http://img.example/x.png'>",
        '<source srcset="https://img.example/x.webp">',
        "<link\n  href=https://fonts.example/x.css rel=preload>",
    ],
)
def test_a_third_party_is_seen(tag: str) -> None:
    assert [tag] == from_third_parties(f"<p>{tag}</p>")


@pytest.mark.parametrize(
    "tag",
    ['<script type="module" src="/assets/site.js">', '<img src="data:image/png;base64,aa//bb">'],
)
def test_our_own_files_are_not(tag: str) -> None:
    assert [tag] == loading_tags(tag)
    assert [] == from_third_parties(tag)


@pytest.mark.parametrize(
    "tag", ['<link rel="canonical" href="https://x.example/">', '<link href="https://x.example/" rel="canonical">']
)
def test_a_canonical_link_and_a_link_to_follow_load_nothing(tag: str) -> None:
    assert [] == loading_tags(f'{tag}<a href="https://elsewhere.example/">there</a>')
