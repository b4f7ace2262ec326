"""Keeping what was proposed, so that later pages can tell how good it was."""

from __future__ import annotations

from ecops_lib.data.schema import arrow_schema
from ecops_lib.data.store import Store
from ecops_lib.supply.replenish.proposal import OrderProposal


def keep_proposal(store: Store, proposal: OrderProposal) -> int:
    """Keep a proposal in the store's table ``proposals``; one of the same day is replaced.

    All its lines are kept, also those with nothing to order, for "enough" is a claim too.

    Args:
        store: The store.
        proposal: The proposal.

    Returns:
        How many lines were kept.
    """
    import pyarrow as pa

    if proposal.absent() or proposal.lines.empty:
        return 0
    held = proposal.lines.assign(
        proposal_id=proposal.as_of.isoformat(),
        as_of=proposal.as_of,
        supplier_id=proposal.lines["supplier_id"].where(proposal.lines["supplier_id"] != ""),
        quantity=proposal.lines["quantity"].astype(int),
        days=proposal.lines["days"].round(),
        service_level=proposal.lines["asked"],
    )
    schema = arrow_schema("proposals")
    table = pa.Table.from_pandas(held[schema.names], schema=schema, preserve_index=False)
    with store.writing() as writer:
        return writer.upsert("proposals", table)
