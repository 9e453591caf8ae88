from sql.connection import Pool
from tests.integration.rules_kill import kill_and_compare


async def test_a_killed_rules_process_leaves_the_journal_of_an_undisturbed_run(dsn: str, pool: Pool) -> None:
    found = await kill_and_compare(dsn, pool, kills=4)
    assert found["differing"] == 0
    assert found["alerts"] > 30
    assert found["events"]["raised"] == found["raised_expected"]
    assert found["events"]["cleared"] == found["cleared_expected"]
    assert not {"retracted", "moved", "reopened"} & set(found["events"])


async def test_a_killed_one_of_two_processes_leaves_it_too(dsn: str, pool: Pool) -> None:
    found = await kill_and_compare(dsn, pool, kills=3, devices=12, seed=2, processes=2)
    assert found["differing"] == 0
    assert found["events"]["raised"] == found["raised_expected"] > 30
    assert found["events"]["cleared"] == found["cleared_expected"]
    assert not {"retracted", "moved", "reopened"} & set(found["events"])
