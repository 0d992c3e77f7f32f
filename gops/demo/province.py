"""Gyeonggi's 31 cities and counties: slug, names, the code of the Ministry of the Interior (first five digits of the
legal-district code) and the place of the town hall, roughly. Pure data.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Municipality:
    slug: str
    name_ko: str
    name_en: str
    code: str
    longitude: float
    latitude: float

    @property
    def publisher(self) -> str:
        return f"data@{self.slug}.example"


def _row(line: str) -> Municipality:
    slug, name_ko, name_en, code, longitude, latitude = line.split()
    return Municipality(slug, name_ko, name_en, code, float(longitude), float(latitude))


MUNICIPALITIES: tuple[Municipality, ...] = tuple(
    _row(line)
    for line in """\
suwon 수원시 Suwon 41110 127.0286 37.2636
seongnam 성남시 Seongnam 41130 127.1267 37.4201
uijeongbu 의정부시 Uijeongbu 41150 127.0337 37.7381
anyang 안양시 Anyang 41170 126.9568 37.3943
bucheon 부천시 Bucheon 41190 126.7660 37.5034
gwangmyeong 광명시 Gwangmyeong 41210 126.8646 37.4786
pyeongtaek 평택시 Pyeongtaek 41220 127.1127 36.9921
dongducheon 동두천시 Dongducheon 41250 127.0606 37.9036
ansan 안산시 Ansan 41270 126.8308 37.3219
goyang 고양시 Goyang 41280 126.8320 37.6584
gwacheon 과천시 Gwacheon 41290 126.9877 37.4292
guri 구리시 Guri 41310 127.1296 37.5943
namyangju 남양주시 Namyangju 41360 127.2165 37.6360
osan 오산시 Osan 41370 127.0772 37.1499
siheung 시흥시 Siheung 41390 126.8031 37.3800
gunpo 군포시 Gunpo 41410 126.9351 37.3617
uiwang 의왕시 Uiwang 41430 126.9683 37.3447
hanam 하남시 Hanam 41450 127.2149 37.5393
yongin 용인시 Yongin 41460 127.1776 37.2411
paju 파주시 Paju 41480 126.7800 37.7599
icheon 이천시 Icheon 41500 127.4350 37.2720
anseong 안성시 Anseong 41550 127.2798 37.0080
gimpo 김포시 Gimpo 41570 126.7156 37.6152
hwaseong 화성시 Hwaseong 41590 126.8312 37.1996
gwangju 광주시 Gwangju 41610 127.2553 37.4294
yangju 양주시 Yangju 41630 127.0457 37.7853
pocheon 포천시 Pocheon 41650 127.2003 37.8949
yeoju 여주시 Yeoju 41670 127.6376 37.2982
yeoncheon 연천군 Yeoncheon 41800 127.0752 38.0964
gapyeong 가평군 Gapyeong 41820 127.5097 37.8315
yangpyeong 양평군 Yangpyeong 41830 127.4876 37.4917
""".splitlines()
)
