"""What will be asked for?"""

from ecops_lib.supply.forecast.demand import forecast_demand
from ecops_lib.supply.forecast.result import Forecast

__all__ = ["Forecast", "forecast_demand"]
