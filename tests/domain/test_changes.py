"""Change sets as values."""

from gridstudio.domain.changes import BASE, At, ChangeSet, Reconductor, SetSwitch

RATING = Reconductor("l1", 300.0)
IMPEDANCE = Reconductor("l1", 300.0, "big")
SWITCH = SetSwitch("sw1", closed=False)


def test_changes_come_into_force_in_the_order_of_their_steps():
    plan = ChangeSet((At(2, SWITCH), RATING, At(1, IMPEDANCE)))
    assert plan.by_step() == (At(0, RATING), At(1, IMPEDANCE), At(2, SWITCH))


def test_a_new_rating_alone_does_not_move_the_power_flow():
    assert ChangeSet((At(1, RATING),)).electrical() == BASE.electrical() == ()
    assert ChangeSet((At(1, IMPEDANCE), SWITCH)).electrical() == (At(0, SWITCH), At(1, IMPEDANCE))


def test_equal_change_sets_are_one_key():
    assert len({ChangeSet((RATING,)), ChangeSet((RATING,)), BASE}) == 2
