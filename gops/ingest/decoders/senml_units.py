"""SenML's units (RFC 8428, section 12.1, and RFC 8798) where UCUM writes them otherwise.

A unit that is in neither passes as it is: mapping then says that it is another than its own. What SenML tells apart by
units and UCUM does not (battery from humidity, latitude from longitude) stands in braces.
"""

from __future__ import annotations

UCUM = {
    "lat": "deg{lat}",
    "lon": "deg{lon}",
    "pH": "[pH]",
    "dBW": "dB[W]",
    "Bspl": "B[SPL]",
    "count": "{count}",
    "/": "1",
    "%RH": "%{RH}",
    "%EL": "%{EL}",
    "EL": "s{EL}",
    "1/s": "/s",
    "1/min": "/min",
    "beat/min": "{beat}/min",
    "beats": "{beat}",
    "VA": "V.A{apparent}",
    "kVA": "kV.A{apparent}",
    "var": "V.A{reactive}",
    "kvar": "kV.A{reactive}",
    "vars": "V.A.s{reactive}",
    "VAs": "V.A.s{apparent}",
    "varh": "V.A.h{reactive}",
    "kvarh": "kV.A.h{reactive}",
    "kVAh": "kV.A.h{apparent}",
    "Ah": "A.h",
    "Wh": "W.h",
    "kWh": "kW.h",
    "Wh/km": "W.h/km",
    "B": "By",
    "KiB": "KiBy",
    "GB": "GBy",
    "B/s": "By/s",
    "MB/s": "MBy/s",
    "/100": "%",
    "/1000": "[ppth]",
    "ppm": "[ppm]",
    "l": "L",
    "l/s": "L/s",
}
