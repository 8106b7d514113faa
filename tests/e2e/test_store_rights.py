"""Who may decide what, and who sees which district."""
import threading

import psycopg
import pytest

from filled import N


def decide(db, violation, verdict, reason=""):
    db.execute("INSERT INTO review (violation_id, verdict, reason) VALUES (%s, %s, %s)",
               [violation, verdict, reason])


def state(store, violation):
    return store.query("SELECT review FROM violation_history WHERE id = %s", violation)[0][0]


@pytest.mark.parametrize("steps", [
    ["confirmed", "issued", "withdrawn"],
    ["unclear", "confirmed", "rejected", "confirmed", "issued"],
    ["rejected"],
])
def test_steps_that_are_allowed(store, steps):
    one = store.ids[0]
    assert state(store, one) == "new"
    with psycopg.connect(store.db, autocommit=True) as db:
        for step in steps:
            decide(db, one, step, "seen twice")
            assert state(store, one) == step
    assert store.query("SELECT verdict FROM review WHERE violation_id = %s ORDER BY id", one) == [
        (s,) for s in steps]


@pytest.mark.parametrize("before, step, words", [
    ([], "issued", "new cannot become issued"),
    ([], "withdrawn", "new cannot become withdrawn"),
    (["confirmed"], "confirmed", "confirmed cannot become confirmed"),
    (["rejected"], "issued", "rejected cannot become issued"),
    (["confirmed", "issued"], "rejected", "issued cannot become rejected"),
    (["confirmed", "issued", "withdrawn"], "issued", "withdrawn cannot become issued"),
])
def test_steps_that_are_refused(store, before, step, words):
    with psycopg.connect(store.db, autocommit=True) as db:
        for verdict in before:
            decide(db, store.ids[0], verdict, "seen twice")
        with pytest.raises(psycopg.errors.CheckViolation, match=words):
            decide(db, store.ids[0], step, "seen twice")


def test_rejecting_needs_a_reason(store):
    with psycopg.connect(store.db, autocommit=True) as db:
        with pytest.raises(psycopg.errors.CheckViolation, match="reason"):
            decide(db, store.ids[0], "rejected", "  ")


def test_two_reviewers_at_once_decide_once(store):
    """Each sees "new" before the other commits; one must be told that it came second."""
    results = []

    def confirm():
        try:
            with psycopg.connect(store.db, autocommit=True) as db:
                decide(db, store.ids[0], "confirmed")
            results.append("confirmed")
        except psycopg.errors.CheckViolation:
            results.append("refused")
    threads = [threading.Thread(target=confirm) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(results) == ["confirmed"] + ["refused"] * 7


@pytest.fixture
def districts(store):
    """The first two violations lie in 南山, the others in 福田."""
    store.alter("UPDATE violation SET district = '南山' WHERE sequence <= 2",
                "UPDATE violation_id SET district = '南山' WHERE id IN"
                " (SELECT id FROM violation WHERE sequence <= 2)",
                f"INSERT INTO district_access (login, district) VALUES"
                f" ('a_{store.name}', '南山'), ('r_{store.name}', '福田')")
    return store


def rows(conninfo, sql, *args):
    with psycopg.connect(conninfo, autocommit=True) as db:
        done = db.execute(sql, args)
        return done.fetchall() if done.description else done.rowcount


def test_a_login_sees_its_districts(districts):
    store = districts
    analyst = store.login("a", "citybrain_analyst")
    reviewer = store.login("r", "citybrain_reviewer")
    stranger = store.login("s", "citybrain_reviewer")
    chief = store.login("c", "citybrain_reviewer", "citybrain_all_districts")
    seen = "SELECT count(*) FROM violation_history"
    assert [rows(c, seen) for c in (analyst, reviewer, stranger, chief)] == [
        [(2,)], [(N - 2,)], [(0,)], [(N,)]]
    for table in ("violation", "violation_id"):
        assert rows(reviewer, f"SELECT count(*) FROM {table}") == [(N - 2,)]
        assert rows(stranger, f"SELECT count(*) FROM {table}") == [(0,)]
        assert rows(chief, f"SELECT count(*) FROM {table}") == [(N,)]
    assert rows(reviewer, "SELECT count(*) FROM evidence_media") == [(2 * (N - 2),)]
    # by the id, as one who has heard of it would try
    [(foreign,)] = store.query("SELECT id FROM violation WHERE sequence = 1")
    assert rows(reviewer, "SELECT * FROM violation WHERE id = %s", foreign) == []
    assert rows(reviewer, "SELECT * FROM evidence_media WHERE violation_id = %s", foreign) == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(reviewer, "INSERT INTO review (violation_id, verdict) VALUES (%s, 'confirmed')", foreign)
    assert rows(chief, "INSERT INTO review (violation_id, verdict) VALUES (%s, 'confirmed')",
                foreign) == 1


def test_a_cheap_function_does_not_leak_other_districts(districts):
    """A condition of the asker's own must not be tried on rows that are hidden from it."""
    analyst = districts.login("a", "citybrain_analyst")
    with psycopg.connect(analyst, autocommit=True) as db:
        heard = []
        db.add_notice_handler(lambda d: heard.append(d.message_primary))
        db.execute("CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001"
                   " AS $$ BEGIN RAISE NOTICE 'row of %', $1; RETURN true; END $$")
        db.execute("SELECT * FROM violation_history WHERE pg_temp.tell(district)")
        assert heard == ["row of 南山"] * 2


# Vehicles that come again

def test_plates_are_known_by_their_letters(districts):
    """Written in three ways it is one vehicle; the newest reading counts, in the districts one sees."""
    store = districts
    reviewer = store.login("r", "citybrain_reviewer")
    chief = store.login("c", "citybrain_reviewer", "citybrain_all_districts")
    by_sequence = [r[0] for r in store.query("SELECT id FROM violation ORDER BY sequence")]
    with psycopg.connect(chief, autocommit=True) as db:
        for violation, plate in zip(by_sequence, ("粤B·12345", "粤b 12345", "粤B-1234O", "粤B12345", "")):
            db.execute("INSERT INTO review (violation_id, verdict, plate) VALUES (%s, 'confirmed', %s)",
                       [violation, plate])
        # a second look: it was a zero, or rather another vehicle
        db.execute("INSERT INTO review (violation_id, verdict, reason, plate) VALUES (%s, 'rejected',"
                   " 'looked again', '粤B99999')", [by_sequence[2]])
        with pytest.raises(psycopg.errors.CheckViolation):
            db.execute("INSERT INTO review (violation_id, verdict, plate) VALUES (%s, 'confirmed', 'x')",
                       [by_sequence[5]])
    again = "SELECT plate, n_violations FROM repeated_vehicle"
    assert rows(chief, again) == [("粤B12345", 3)]
    assert rows(reviewer, again) == []  # the other two lie in a district that it does not see
    of_one = "SELECT count(*) FROM vehicle_history WHERE plate = citybrain_plate('粤b.12345')"
    assert [rows(c, of_one) for c in (chief, reviewer)] == [[(3,)], [(1,)]]
    assert rows(chief, "SELECT plate FROM violation_history ORDER BY sequence") == [
        ("粤B12345",), ("粤B12345",), ("粤B99999",), ("粤B12345",), (None,), (None,)]


def test_every_public_name_says_what_it_is(store):
    """Tables, views, their columns, and functions: `\\d+` is what an analyst reads."""
    assert store.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN"
        " ('r', 'p', 'v') AND obj_description(oid, 'pg_class') IS NULL AND NOT relispartition"
        " AND relname <> 'citybrain_migration'") == []
    assert store.query(
        "SELECT relname, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE"
        " relnamespace = 'public'::regnamespace AND relkind = 'v' AND attnum > 0 AND"
        " col_description(attrelid, attnum) IS NULL") == []
    assert store.query(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND"
        " obj_description(oid, 'pg_proc') IS NULL") == []
