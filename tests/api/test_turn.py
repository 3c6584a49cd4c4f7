import asyncio

from api.turn import Turn


def test_requests_of_one_turn_share_a_draw_and_turns_do_not() -> None:
    turn = Turn()

    async def request() -> float:
        return turn.draw()

    async def turns() -> list[set[float]]:
        return [set(await asyncio.gather(*(request() for _ in range(8)))) for _ in range(200)]

    drawn = asyncio.run(turns())
    assert {len(each) for each in drawn} == {1}
    assert len(set.union(*drawn)) == 200
    assert 60 <= sum(next(iter(each)) < 0.5 for each in drawn) <= 140
