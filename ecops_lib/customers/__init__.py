"""Who are the customers, and what are they worth?"""

from ecops_lib.customers.acquisition import cost_acquisition
from ecops_lib.customers.cohorts import compare_cohorts
from ecops_lib.customers.contacts.choosing import choose_contacts
from ecops_lib.customers.contacts.fitting import fit_uplift
from ecops_lib.customers.contacts.judging import judge_contacts
from ecops_lib.customers.contacts.rules import ContactRules
from ecops_lib.customers.contacts.writing import write_contacts
from ecops_lib.customers.gaps import time_between
from ecops_lib.customers.lapsed import find_lapsed
from ecops_lib.customers.membership.community import review_community
from ecops_lib.customers.membership.levels import review_levels
from ecops_lib.customers.membership.points import review_points
from ecops_lib.customers.membership.referrals import review_referrals
from ecops_lib.customers.migration import trace_moves
from ecops_lib.customers.playbook import read_playbook, write_playbook
from ecops_lib.customers.purchases import (
    count_histories,
    count_purchases,
    sum_cohorts,
    sum_purchases,
)
from ecops_lib.customers.repurchase import compare_repurchase
from ecops_lib.customers.rfm import Cuts, score_customers
from ecops_lib.customers.segment_worth import segment_customers
from ecops_lib.customers.segments import make_tiers
from ecops_lib.customers.survival import follow_survival
from ecops_lib.customers.tags import tag_customers
from ecops_lib.customers.touches import plan_touches

__all__ = [
    "ContactRules",
    "Cuts",
    "choose_contacts",
    "compare_cohorts",
    "compare_repurchase",
    "cost_acquisition",
    "count_histories",
    "count_purchases",
    "find_lapsed",
    "fit_uplift",
    "follow_survival",
    "judge_contacts",
    "make_tiers",
    "plan_touches",
    "read_playbook",
    "review_community",
    "review_levels",
    "review_points",
    "review_referrals",
    "score_customers",
    "segment_customers",
    "sum_cohorts",
    "sum_purchases",
    "tag_customers",
    "time_between",
    "trace_moves",
    "write_contacts",
    "write_playbook",
]
