#!/usr/bin/env python3
"""Builds china.csv.gz, world.csv.gz, codes.csv.gz and names.csv.gz from the public sets named in README.md.

Usage: build.py DATA [OUT]. DATA is a folder with cpca_adcodes.csv, areas.csv, streets.csv, geonames_cities.csv,
admin1.json and admin2.json; OUT is this folder. Needs Python 3.9 and pypinyin (MIT), for the romanised names of
Chinese divisions. The output is the same for the same input, byte for byte.
"""
import collections
import csv
import gzip
import io
import json
import math
import pathlib
import re
import sys
import unicodedata

from pypinyin import lazy_pinyin

HERE = pathlib.Path(__file__).resolve().parent
HEADER = ["code", "tier", "parent", "name", "name_zh", "short_zh", "lat", "lon", "population"]

PROVINCES = dict(
    zip(
        "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82".split(),
        "Beijing|Tianjin|Hebei|Shanxi|Inner Mongolia|Liaoning|Jilin|Heilongjiang|Shanghai|Jiangsu|Zhejiang|Anhui|Fujian|"
        "Jiangxi|Shandong|Henan|Hubei|Hunan|Guangdong|Guangxi|Hainan|Chongqing|Sichuan|Guizhou|Yunnan|Tibet|Shaanxi|Gansu|"
        "Qinghai|Ningxia|Xinjiang|Taiwan|Hong Kong|Macau".split("|"),
    )
)
# Romanised names that pinyin does not give.
ENGLISH = {
    "呼和浩特市": "Hohhot", "乌鲁木齐市": "Urumqi", "拉萨市": "Lhasa", "包头市": "Baotou", "鄂尔多斯市": "Ordos",
    "呼伦贝尔市": "Hulunbuir", "日喀则市": "Shigatse", "喀什地区": "Kashgar", "和田地区": "Hotan", "阿克苏地区": "Aksu",
    "吐鲁番市": "Turpan", "哈密市": "Hami", "克拉玛依市": "Karamay", "哈尔滨市": "Harbin", "齐齐哈尔市": "Qiqihar",
    "昌都市": "Qamdo", "林芝市": "Nyingchi", "那曲市": "Nagqu", "巴音郭楞蒙古自治州": "Bayingolin", "伊犁哈萨克自治州": "Ili",
    "锡林郭勒盟": "Xilingol", "阿拉善盟": "Alxa", "巴彦淖尔市": "Bayannur", "乌兰察布市": "Ulanqab", "甘孜藏族自治州": "Garze",
    "阿坝藏族羌族自治州": "Aba", "浦东新区": "Pudong", "九寨沟县": "Jiuzhaigou", "都江堰市": "Dujiangyan", "六安市": "Lu'an",
    "玉树藏族自治州": "Yushu", "延边朝鲜族自治州": "Yanbian", "儋州市": "Danzhou", "阿里地区": "Ngari", "山南市": "Shannan",
}
# In names these characters are nearly always read so.
READINGS = {"朝": "chao", "长": "chang", "珲": "hun", "泊": "bo"}
ODD = {"长子": ["zhang", "zi"]}
PEOPLES = (
    "蒙古族 蒙古 回族 回 藏族 维吾尔族 维吾尔 苗族 彝族 壮族 布依族 朝鲜族 满族 侗族 瑶族 白族 土家族 哈尼族 哈萨克族 哈萨克 "
    "傣族 黎族 傈僳族 佤族 畲族 拉祜族 水族 东乡族 纳西族 景颇族 柯尔克孜 土族 达斡尔族 达斡尔 仫佬族 羌族 布朗族 撒拉族 "
    "毛南族 仡佬族 锡伯 普米族 塔吉克 怒族 鄂温克族 鄂伦春 独龙族 保安族 裕固族 各族"
).split()
AUTONOMOUS = ("自治区", "自治州", "自治县", "自治旗")
SUFFIXES = ("特别行政区", "地区", "新区", "林区", "矿区", "省", "市", "盟", "县", "区", "旗")
NOT_PLACES = ("市辖区", "省直辖县级行政区划", "自治区直辖县级行政区划", "县")


def fold(name):
    """Lower case without marks and punctuation: what two spellings of one name share."""
    plain = unicodedata.normalize("NFD", name).casefold()
    return re.sub(r"[^a-z0-9]+", "", "".join(c for c in plain if not unicodedata.combining(c)))


def short(name):
    """浦东新区 → 浦东, 白沙黎族自治县 → 白沙; empty when less than two characters remain."""
    if name.endswith(("开发区", "园区", "示范区", "管理区", "合作区", "保税区", "试验区", "产业区")):
        return ""
    for suffix in AUTONOMOUS:
        if name.endswith(suffix):
            stem = name[: -len(suffix)]
            cut = True
            while cut:
                cut = next((p for p in PEOPLES if stem.endswith(p) and len(stem) - len(p) >= 2), None)
                stem = stem[: -len(cut)] if cut else stem
            return stem
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            stem = name[: -len(suffix)]
            return stem if len(stem) >= 2 else ""
    return ""


def romanise(name):
    if name in ENGLISH:
        return ENGLISH[name]
    stem = short(name) or name
    syllables = [READINGS.get(c, s) for c, s in zip(stem, lazy_pinyin(stem, v_to_u=False))] if stem not in ODD else ODD[stem]
    joined = "".join(("'" if i and s[0] in "aeo" else "") + s for i, s in enumerate(syllables))
    return joined.replace("v", "u").capitalize() if joined.replace("'", "").isalpha() else name


def km(a, b):
    lat_a, lat_b = math.radians(a[0]), math.radians(b[0])
    h = math.sin((lat_b - lat_a) / 2) ** 2
    h += math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b[1] - a[1]) / 2) ** 2
    return 12742.0 * math.asin(min(1.0, math.sqrt(h)))


class Table:
    """Places by code, other codes, other names."""

    def __init__(self):
        self.rows, self.codes, self.names = {}, {}, []

    def add(self, code, tier, parent, name, name_zh="", short_zh="", at=None, population=0):
        self.rows[code] = dict(zip(HEADER, [code, tier, parent, name, name_zh, short_zh, "", "", population or ""]))
        if at:
            self.rows[code].update(lat=f"{at[0]:.4f}", lon=f"{at[1]:.4f}")

    def at(self, code):
        row = self.rows[code]
        return (float(row["lat"]), float(row["lon"])) if row["lat"] else None


def read(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def china(data, table):
    """Divisions of the two code lists; the newer list (areas) wins where one city has a name twice."""
    areas = {row["code"]: row["name"] for row in read(data / "areas.csv")}
    divisions = {}
    for row in read(data / "cpca_adcodes.csv"):
        at = (float(row["latitude"]), float(row["longitude"])) if row["latitude"] else None
        divisions[row["adcode"][:6]] = (row["name"], at)
    for code, name in areas.items():
        divisions.setdefault(code, (name, None))
    table.add("gn-CN", "country", "", "China", "中国", "", (35.0, 105.0), 1_330_044_000)
    seen = {}
    for code in sorted(divisions, key=lambda c: (c not in areas and c[4:] != "00", c)):
        name, at = divisions[code]
        if name in NOT_PLACES:
            continue
        province, city = "cn-" + code[:2] + "0000", "cn-" + code[:4] + "00"
        english = PROVINCES[code[:2]] if code[2:] == "0000" else romanise(name)
        if code[2:] == "0000":
            table.add("cn-" + code, "province", "gn-CN", english, name, short(name), at)
        elif code[4:] == "00":
            table.add("cn-" + code, "city", province, english, name, short(name), at)
        elif code[2:4] == "90":
            table.add("cn-" + code, "city", province, english, name, short(name), at)
        else:
            first = seen.setdefault((code[:4], short(name) or name), code)
            # Two counties of one city may share a stem (伊宁市, 伊宁县); a code that is no longer listed is the old form.
            if first != code and code not in areas:
                table.codes["cn-" + code] = "cn-" + first
                continue
            listed = divisions.get(code[:4] + "00", ("县",))[0] not in NOT_PLACES
            table.add("cn-" + code, "county", city if listed else province, english, name, short(name), at)
    for row in read(data / "streets.csv"):
        parent = "cn-" + row["areaCode"].ljust(6, "0")
        parent = table.codes.get(parent, parent)
        if parent not in table.rows:
            parent = "cn-" + row["cityCode"] + "00"
        if parent in table.rows and row["name"] not in NOT_PLACES:
            table.add("cn-" + row["code"], "township", parent, "", row["name"])


def merge_chinese_city(table, index, city, at):
    """The division that a GeoNames city in China is: same romanised name nearby, else the county around it."""
    name, feature = fold(city["name"]), city["feature"]
    wanted = ("province", "city", "county") if feature in ("PPLC", "PPLA", "PPLA2") else ("county", "city")
    near = [(km(at, table.at(code)), code) for code in index]
    near = [(distance, code) for distance, code in near if distance < 80]
    for tier in wanted:
        same = sorted(
            (distance, code)
            for distance, code in near
            if table.rows[code]["tier"] == tier and name in (fold(table.rows[code]["name"]), fold(table.rows[code]["name"] + "shi"))
        )
        if same:
            return same[0][1], True
    if feature in ("PPLC", "PPLA", "PPLA2"):
        seats = sorted((distance, code) for distance, code in near if table.rows[code]["tier"] == "city" and distance < 25)
        if seats:
            return seats[0][1], True
    counties = sorted((distance, code) for distance, code in near if table.rows[code]["tier"] == "county" and distance < 40)
    return (counties[0][1], False) if counties else (None, False)


def chinese_cities(cities, table):
    index = [c for c, r in table.rows.items() if c.startswith("cn-") and r["lat"] and r["tier"] != "township"]
    for city in sorted(cities, key=lambda c: (-int(c["population"]), c["geonameid"])):
        at = (float(city["latitude"]), float(city["longitude"]))
        code, same = merge_chinese_city(table, index, city, at)
        if not code:
            continue
        table.codes["gn-" + city["geonameid"]] = code
        row = table.rows[code]
        if same and not row["population"]:
            row["population"] = int(city["population"])
        if fold(row["name"]) != fold(city["name"]):
            table.names.append((code, city["name"], ""))


def admin_names(name):
    """Counties and the like: 'City and County of X' is also 'X County'."""
    match = re.match(r"City and County of (.+)", name)
    return [match.group(1) + " County"] if match else []


def world(data, table, tables):
    cities = [c for c in read(data / "geonames_cities.csv")]
    special = {"TW": "cn-710000", "HK": "cn-810000", "MO": "cn-820000"}
    chinese_cities([c for c in cities if c["country"] == "CN"], table)
    cities = [c for c in cities if c["country"] != "CN"]
    mass = collections.defaultdict(list)
    for city in cities:
        at, people = (float(city["latitude"]), float(city["longitude"])), int(city["population"])
        mass["gn-" + city["country"]].append((at, people))
        mass["gn-" + city["country"] + "." + city["admin1"]].append((at, people))
    total = {code: sum(p for _, p in points) for code, points in mass.items()}

    def centre(code):
        points = mass.get(code)
        if not points:
            return None
        # The largest city: a mean may lie in the sea, or on the wrong side of the date line.
        return max(points, key=lambda point: point[1])[0]

    for iso, english, chinese in tables["countries"]:
        if iso != "CN":
            table.add("gn-" + iso, "country", "", english, chinese, "", centre("gn-" + iso), total.get("gn-" + iso, 0))
    for iso, code in special.items():
        table.codes["gn-" + iso] = code
    admin1 = {a["code"]: a["name"] for a in json.load(open(data / "admin1.json", encoding="utf-8"))}
    by_province = {fold(name): code for code, name in PROVINCES.items()}
    for code, name in sorted(admin1.items()):
        iso = code[:2]
        if iso == "CN":
            table.codes["gn-" + code] = "cn-" + by_province[fold(name)] + "0000"
        elif iso not in special:
            table.add("gn-" + code, "province", "gn-" + iso, name, "", "", centre("gn-" + code), total.get("gn-" + code, 0))
    for entry in json.load(open(data / "admin2.json", encoding="utf-8")):
        code, name = entry["code"], entry["name"]
        parent = "gn-" + code.rsplit(".", 1)[0]
        if code.startswith("CN."):
            division = "cn-" + code.rsplit(".", 1)[1] + "00"
            if division in table.rows:
                table.codes["gn-" + code] = division
        elif parent in table.rows and len(fold(name)) >= 3:
            table.add("gn-" + code, "city", parent, name)
            table.names.extend(("gn-" + code, other, "") for other in admin_names(name))
    towns = {}
    for city in sorted(cities, key=lambda c: (c["feature"] == "PPLX", -int(c["population"]), c["geonameid"])):
        iso, at = city["country"], (float(city["latitude"]), float(city["longitude"]))
        code, people = "gn-" + city["geonameid"], int(city["population"])
        region = special.get(iso) or "gn-" + iso + "." + city["admin1"]
        region = region if region in table.rows else "gn-" + iso
        if iso == "HK" and city["feature"] == "PPLC" or iso == "MO" and city["feature"] == "PPLC":
            table.codes[code] = region
            continue
        if city["feature"] == "PPLX":
            # A section of a city belongs to the largest city of its region within 30 km.
            owners = [c for c in towns.get(region, []) if km(at, c[1]) < 30 and c[2] > people]
            parent = owners[0][0] if owners else region
            table.add(code, "township", parent, city["name"], "", "", at, people)
        else:
            towns.setdefault(region, []).append((code, at, people))
            table.add(code, "city", region, city["name"], "", "", at, people)


def find(table, reference):
    """`@CC City` → the largest place of that name in the country."""
    if not reference.startswith("@"):
        return reference if "-" in reference else "gn-" + reference
    iso, name = reference[1:3], fold(reference[4:])
    special = {"TW": "cn-710000", "CN": "cn-"}.get(iso)
    best = None
    for code, row in table.rows.items():
        inside = row["parent"].startswith(special) if special else row["parent"].split(".")[0] == "gn-" + iso
        if inside and fold(row["name"]) == name and (code.startswith("gn-") and code[3].isdigit() or special == "cn-"):
            rank = (int(row["population"] or 0), code)
            best = max(best, rank) if best else rank
    if best is None:
        print("unknown:", reference, file=sys.stderr)
    return best[1] if best else None


def aliases(table, tables):
    for reference, first, *more in tables["world_zh"]:
        code = find(table, reference)
        if not code:
            continue
        row = table.rows[code]
        row["name_zh"] = row["name_zh"] or first
        table.names.extend((code, name, "") for name in [first, *more] if name != row["name_zh"])
    for reference, alias, *use in tables["aliases"]:
        code = find(table, reference)
        if code:
            table.names.append((code, alias, "".join(use)))
    for code, row in table.rows.items():
        if re.fullmatch(r"gn-US\.[A-Z]{2}", code):
            table.names.append((code, code[-2:], "after"))


def write(path, header, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.getvalue().encode())
    print(path.name, len(rows), "rows", path.stat().st_size, "bytes")


def main():
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE
    tables = {}
    for name in ("countries", "world_zh", "aliases"):
        lines = (HERE / "tables" / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
        tables[name] = [line.split("\t") for line in lines if line and not line.startswith("#")]
        tables[name] = [[fields[0].strip(), *(f for f in fields[1:] if f.strip())] for fields in tables[name]]
    table = Table()
    china(data, table)
    world(data, table, tables)
    aliases(table, tables)
    rows = [[row[key] for key in HEADER] for _, row in sorted(table.rows.items())]
    write(out / "china.csv.gz", HEADER, [r for r in rows if r[0].startswith("cn-") or r[0] == "gn-CN"])
    write(out / "world.csv.gz", HEADER, [r for r in rows if not (r[0].startswith("cn-") or r[0] == "gn-CN")])
    write(out / "codes.csv.gz", ["alias", "code"], sorted(table.codes.items()))
    write(out / "names.csv.gz", ["code", "alias", "use"], sorted(set(table.names)))


main()
