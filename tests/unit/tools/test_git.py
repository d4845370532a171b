"""Git is asked about real little repositories."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.errors import InputError, Unreachable
from deployer.tools.git import Git

ENVIRON = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
}


def git(repository: Path, *arguments: str) -> str:
    """Run git for the test itself."""
    return subprocess.run(
        ["git", "-c", "init.defaultBranch=develop", *arguments],
        cwd=repository,
        env=ENVIRON,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits on `develop`, a branch `feature/contact-form` at the first, a tag `v1`."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.com")
    (root / ".gitignore").write_text("ignored\n", encoding="utf-8")
    (root / "page.html").write_text("one\n", encoding="utf-8")
    git(root, "add", ".")
    git(root, "commit", "-qm", "First page")
    git(root, "branch", "feature/contact-form")
    git(root, "tag", "v1")
    (root / "page.html").write_text("two\n", encoding="utf-8")
    git(root, "commit", "-qam", "Second page")
    return root


def test_head_is_resolved(repository: Path) -> None:
    """HEAD gives the whole SHA, when it was committed, and its subject."""
    commit = Git(repository, ENVIRON).commit()

    assert git(repository, "rev-parse", "HEAD") == commit.sha
    assert datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) == commit.committed_at
    assert "Second page" == commit.subject


@pytest.mark.parametrize("ref", ["feature/contact-form", "v1", "HEAD~1", "short"])
def test_branches_tags_and_short_shas_are_resolved(repository: Path, ref: str) -> None:
    """Everything git takes for a commit is taken."""
    first = git(repository, "rev-parse", "v1")

    assert first == Git(repository, ENVIRON).commit(first[:8] if ref == "short" else ref).sha


def test_branch_that_only_origin_has(repository: Path, tmp_path: Path) -> None:
    """In a fresh clone a branch exists at origin alone."""
    git(tmp_path, "clone", "-q", str(repository), "clone")

    assert git(repository, "rev-parse", "v1") == Git(tmp_path / "clone", ENVIRON).commit("feature/contact-form").sha


def test_unknown_ref_names_near_ones(repository: Path) -> None:
    """A typing error is answered with what was probably meant."""
    with pytest.raises(InputError, match="feature/contact-from") as caught:
        Git(repository, ENVIRON).commit("feature/contact-from")

    assert "did you mean feature/contact-form?" == caught.value.hint


def test_ref_of_another_kind_is_unknown(repository: Path) -> None:
    """A tree or a file is not a commit."""
    with pytest.raises(InputError):
        Git(repository, ENVIRON).commit("HEAD:page.html")


@pytest.mark.parametrize("ref", ["--help", "", "-x"])
def test_ref_is_never_an_option(repository: Path, ref: str) -> None:
    """What the user gives cannot change what git does."""
    with pytest.raises(InputError, match="no such"):
        Git(repository, ENVIRON).commit(ref)


def test_ambiguous_sha_lists_its_candidates(repository: Path) -> None:
    """A short SHA that fits two commits asks for more digits."""
    seen: dict[str, str] = {}
    shas = (git(repository, "commit-tree", "HEAD^{tree}", "-m", str(number)) for number in range(10_000))
    for sha in shas:
        if sha[:4] in seen:
            short = sha[:4]
            break
        seen[sha[:4]] = sha
    else:
        pytest.fail("no two SHAs collided")
    with pytest.raises(InputError) as caught:
        Git(repository, ENVIRON).commit(short)

    assert "give more digits" == caught.value.hint
    assert any(seen[short][:7] in line for line in caught.value.details)


def test_empty_repository(tmp_path: Path) -> None:
    """Before the first commit there is nothing to release."""
    git(tmp_path, "init", "-q")
    with pytest.raises(InputError, match="no commit yet"):
        Git(tmp_path, ENVIRON).commit()


def test_clean_tree_is_not_dirty(repository: Path) -> None:
    """Ignored files do not count."""
    (repository / "ignored").touch()

    assert () == Git(repository, ENVIRON).dirty()


def test_changed_and_untracked_files_are_dirty(repository: Path) -> None:
    """Changes, new files and odd names are all told, as they are called."""
    (repository / "page.html").write_text("three\n", encoding="utf-8")
    (repository / "new").mkdir()
    (repository / "new" / "with space é.txt").touch()

    assert ("page.html", "new/with space é.txt") == Git(repository, ENVIRON).dirty()
    assert ("page.html",) == Git(repository, ENVIRON).dirty(["page.html"])


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_file_that_git_was_told_to_overlook_is_dirty(repository: Path, flag: str) -> None:
    """`git status` says nothing of it, but what is built holds the file as it lies there."""
    git(repository, "update-index", flag, "page.html")
    (repository / "page.html").write_text("three\n", encoding="utf-8")

    assert ("page.html",) == Git(repository, ENVIRON).dirty()


def test_last_change_is_the_commit_that_touched_the_paths(repository: Path) -> None:
    """Later commits elsewhere do not count; paths that no commit has, have none."""
    found = Git(repository, ENVIRON).last_change([".gitignore"])

    assert found is not None
    assert (git(repository, "rev-parse", "v1"), "First page") == (found.sha, found.subject)
    assert None is Git(repository, ENVIRON).last_change(["never"])


def test_repository_without_a_commit_has_no_last_change(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")

    assert None is Git(tmp_path, ENVIRON).last_change(["page.html"])


def test_actor(repository: Path) -> None:
    """CI's word before git's, git's before the operating system's."""
    assert "octocat" == Git(repository, {**ENVIRON, "GITHUB_ACTOR": "octocat"}).actor()
    assert "Ada <ada@example.com>" == Git(repository, ENVIRON).actor()
    git(repository, "config", "--unset", "user.name")
    git(repository, "config", "--unset", "user.email")
    assert "root-of-test" == Git(repository, {**ENVIRON, "USER": "root-of-test"}).actor()


def test_checkout_holds_the_tree_of_the_ref_and_goes_again(repository: Path, tmp_path: Path) -> None:
    """The older tree stands beside ours, git works in it, and nothing stays."""
    into = tmp_path / "cache" / "tree"
    with Git(repository, ENVIRON).checkout("v1", into) as tree:
        assert "one\n" == (tree / "page.html").read_text(encoding="utf-8")
        assert git(repository, "rev-parse", "v1") == Git(tree, ENVIRON).commit().sha

    assert not into.exists()
    assert 1 == len(git(repository, "worktree", "list").splitlines())
    assert "two\n" == (repository / "page.html").read_text(encoding="utf-8")


def test_checkout_replaces_what_a_killed_run_left(repository: Path, tmp_path: Path) -> None:
    """A leftover worktree, registered or not, is no obstacle."""
    into = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", "--detach", str(into), "HEAD")
    (into / "litter").touch()
    with Git(repository, ENVIRON).checkout("v1", into) as tree:
        assert not (tree / "litter").exists()


def test_hook_environment_does_not_mislead(repository: Path, tmp_path: Path) -> None:
    """GIT_DIR as git sets it in hooks names another repository; `root` wins."""
    git(tmp_path, "init", "-q", "other")
    environ = {**ENVIRON, "GIT_DIR": str(tmp_path / "other" / ".git")}

    assert "Second page" == Git(repository, environ).commit().subject


def test_folder_that_is_no_repository(tmp_path: Path) -> None:
    """An unpacked archive is not a clone."""
    with pytest.raises(InputError, match="not a git repository"):
        Git(tmp_path, {**ENVIRON, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}).commit()


def test_dubious_ownership_says_what_to_do(repository: Path) -> None:
    """Git refuses a folder of another user; its cure is in the hint."""
    environ = {**ENVIRON, "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    with pytest.raises(InputError, match="another user") as caught:
        Git(repository, environ).commit()

    assert f"safe.directory {repository}" in caught.value.hint


def test_missing_git(repository: Path, tmp_path: Path) -> None:
    """Without git there is a clear line."""
    with pytest.raises(Unreachable, match="no such program"):
        Git(repository, {"PATH": str(tmp_path)}).commit()


def test_tips_are_what_history_leads_to(repository: Path) -> None:
    """Branches, tags and HEAD, each commit once; an annotated tag counts as its commit."""
    git(repository, "tag", "--annotate", "--message", "x", "v2", "HEAD~1")
    commits = {git(repository, "rev-parse", name) for name in ("HEAD", "HEAD~1")}

    assert tuple(sorted(commits)) == Git(repository, ENVIRON).tips()


def test_where_another_worktree_stands_is_no_tip(repository: Path, tmp_path: Path) -> None:
    """Those of `--ref` come and go."""
    git(repository, "worktree", "add", "-q", "--detach", str(tmp_path / "other"))
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "--message", "third")
    here, there = (Git(place, ENVIRON).tips() for place in (repository, tmp_path / "other"))

    assert {git(tmp_path / "other", "rev-parse", "HEAD")} == {*there} - {*here}


def test_only_commits_that_are_here_are_present(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")

    assert (head,) == Git(repository, ENVIRON).present([head, "0" * 40])
    assert () == Git(repository, ENVIRON).present([])


def test_a_shallow_clone_says_where_it_ends(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), "shallow")

    assert () == Git(repository, ENVIRON).cut_off_at()
    assert (git(repository, "rev-parse", "HEAD"),) == Git(tmp_path / "shallow", ENVIRON).cut_off_at()
