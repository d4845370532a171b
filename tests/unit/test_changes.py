"""A plan's changes in words."""

from __future__ import annotations

from pathlib import Path

from deployer.changes import brief, counted, grouped
from deployer.model import Change, Plan

LOST = Change("replace", "module.database.aws_db_instance.this", ("engine (forces replacement)",), loses_data=True)
CHANGES = (
    Change("create", "aws_lb.a"),
    Change("update", "module.net.aws_subnet.s", ("tags",), "moved from aws_subnet.s"),
    Change("delete", "aws_lb.z"),
    LOST,
    Change("create", "output.url"),
)


def lines(*changes: Change) -> list[str]:
    """What people read of a plan."""
    return [line for line, _ in grouped(Plan(Path("x"), "abc", changes))]


def test_counts_are_terraforms() -> None:
    """Outputs are counted apart, as Terraform does."""
    assert "1 to create, 1 to update, 1 to replace, 1 to destroy, 1 output to change" == counted(CHANGES)
    assert "2 outputs to change" == counted((Change("create", "output.a"), Change("delete", "output.b")))
    assert "nothing to change" == counted(())


def test_everything_is_told_by_action_and_what_ends_stands_last() -> None:
    """A screen stops at the bottom."""
    expected = [
        "1 to create",
        "  + aws_lb.a",
        "1 to update",
        "  ~ module.net.aws_subnet.s: tags (moved from aws_subnet.s)",
        "1 to replace",
        "  ± module.database.aws_db_instance.this: engine (forces replacement)  ! DATA LOSS",
        "1 to destroy",
        "  - aws_lb.z",
        "1 output to change",
        "  + output.url",
        "1 to create, 1 to update, 1 to replace, 1 to destroy, 1 output to change",
        "DATA LOSS: 1 of them held data, which would be gone",
    ]
    assert expected == lines(*CHANGES)


def test_only_losses_are_alarming() -> None:
    """The line of what would be lost, and the last one."""
    told = list(grouped(Plan(Path("x"), "abc", CHANGES)))

    assert [line for line, loss in told if loss] == [line for line, _ in told if "DATA LOSS" in line]
    assert 2 == sum(loss for _, loss in told)
    assert ["nothing to change"] == lines()


def test_no_address_is_left_out() -> None:
    """However many there are."""
    many = [Change("create", f"module.net.aws_subnet.s{number:02}") for number in range(200)]

    assert {f"  + {change.address}" for change in many} < set(lines(*many))


def test_on_the_way_a_loss_is_told_first() -> None:
    """Whoever reads only the first line below the counts sees it."""
    assert brief(CHANGES)[1].endswith("! DATA LOSS")


def test_on_the_way_many_creations_are_told_by_module() -> None:
    """A first plan fits on a screen; what is changed or destroyed is still told one by one."""
    created = [Change("create", f"module.net.aws_subnet.s{number:02}") for number in range(20)]
    told = brief((*created, Change("create", "aws_ssm_parameter.p"), Change("delete", "aws_lb.a")))

    assert ("- aws_lb.a", "+ module.net: 20 to create", "+ root module: 1 to create") == told[1:]


def test_a_change_is_one_line_however_much_of_it_differs() -> None:
    """What forces a replacement comes first."""
    names = (*(f"a{number}" for number in range(12)), "z (forces replacement)")
    line = brief((Change("replace", "aws_lb.a", names),))[1]

    assert "± aws_lb.a: z (forces replacement), a0, a1, a2, a3, a4, a5, a6 and 5 more" == line
