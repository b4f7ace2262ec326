"""What does a new customer cost, and does it pay?"""

from ecops_lib.customers.acquisition.cost import cost_acquisition

__all__ = ["cost_acquisition"]
