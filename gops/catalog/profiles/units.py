"""UCUM codes in the words of others: UN/CEFACT common codes (Recommendation 20) and units of QUDT (qudt.org, 2.1)."""

from __future__ import annotations

from collections.abc import Mapping

QUDT = "http://qudt.org/vocab/unit/"
_ROWS = """
1 C62 UNITLESS | % P1 PERCENT | [ppm] 59 PPM | [ppb] 61 PPB | Cel CEL DEG_C | K KEL K | [degF] FAH DEG_F | m MTR M
km KMT KiloM | cm CMT CentiM | mm MMT MilliM | m2 MTK M2 | m3 MTQ M3 | L LTR L | m/s MTS M-PER-SEC
km/h KMH KiloM-PER-HR | [kn_i] KNT KN | m3/s MQS M3-PER-SEC | L/min L2 L-PER-MIN | ug/m3 GQ MicroGM-PER-M3
mg/m3 GP MilliGM-PER-M3 | mg/L M1 MilliGM-PER-L | Pa PAL PA | hPa A97 HectoPA | kPa KPA KiloPA | mbar MBR MilliBAR
deg DD DEG | rad C81 RAD | s SEC SEC | min MIN MIN | h HUR HR | Hz HTZ HZ | W WTT W | kW KWT KiloW | kW.h KWH KiloW-HR
W.h WHR W-HR | J JOU J | W/m2 D54 W-PER-M2 | V VLT V | mV 2Z MilliV | A AMP A | Ohm OHM OHM | lx LUX LUX | cd CDL CD
kg KGM KiloGM | g GRM GM | t TNE TONNE | dB[SPL]{A} 2N DeciB
"""
_TABLE = {row[0]: (row[1], row[2]) for line in _ROWS.replace("\n", "|").split("|") if (row := line.split())}
COMMON_CODES: Mapping[str, str] = {ucum: code for ucum, (code, _name) in _TABLE.items()}
QUDT_UNITS: Mapping[str, str] = {ucum: QUDT + name for ucum, (_code, name) in _TABLE.items()}
