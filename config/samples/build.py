#!/usr/bin/env python3
"""Makes feed.jsonl.gz, the sample feed of `tocsin demo`, from the public sets named in README.md.

usage: build.py DATA_FOLDER

DATA_FOLDER holds reports/, feeds/usgs/, feeds/gdacs/ and feeds/cap/. Only the standard library is needed. The result is a
function of the data and of this file alone: choices come from a seeded generator, and the archive carries no time.

Every line of the result is one record: {"feed", "offset_ms", "payload"} or, for bytes that are no UTF-8, "payload_base64".
`offset_ms` is when the record arrives after the start of the stream. A payload is the record byte for byte, except that its
times are slots, @[form:ms], which stand for start + ms: see README.md.
"""

import base64
import gzip
import json
import pathlib
import random
import re
import sys

STREAM_MS = 50 * 60 * 1000
HERE = pathlib.Path(__file__).resolve().parent

# Posts are left out when they are rude, or about persons, belief, politics or crime: the demo shows hazards, not people.
UNWANTED = re.compile(
    r"""\b(pray\w*|prayers?|god|gods|jesus|christ\w*|lord|church\w*|bible|allah|muslim\w*|islam\w*|jew\w*|hindu\w*|mosque
    |obama|romney|president\w*|senat\w*|governor|gov|mayor|minister|premier|congress\w*|republican\w*|democrat\w*|election\w*
    |vote\w*|voting|democra\w*|dictator\w*|regime|parliament\w*|ballot\w*|politic\w*|government\w*|abbott|gillard|newman|harper|nenshi|mp|mps|gop|auspol|cdnpoli|tcot|alp|labor
    |boston|bomb\w*|marathon|terror\w*|shoot\w*|shot|gun\w*|kill(?:er|ing)|murder\w*|suspect\w*|arrest\w*|police|cops?|war
    |army|military|troops|militant\w*|rebel\w*|soldiers?|attack\w*|rape\w*|looting|looters?|prison\w*|protest\w*|riot\w*
    |faiths?|catholic\w*|elector\w*|natives?|aborigin\w*|violence|insurgen\w*|conflicts?|curfew|wars|civilians?|want\s+me
    |black|white|mexican\w*|asian\w*|chinese|african\w*|indian\w*|arab\w*|ethnic\w*|tribal|refugee\w*|israel\w*|palestin\w*
    |sex\w*|nude\w*|porn\w*|dick\w*|ass|asses|butt|boob\w*|tits|naked|horny|gay|lesbian|drunk|weed|drugs?|alcohol|beer|wine
    |nigg\w*|bitch\w*|fuck\w*|shit\w*|shiet|damn\w*|hell|crap|cunt|whore\w*|hoe|hoes|slut\w*|fag\w*|retard\w*|bastard\w*|piss\w*
    |sucks?|wtf|omfg|lmao|lmfao|stfu|thug\w*|hate|stupid|idiot\w*|kkk|die|suicid\w*|dead\s+body
    |mother|father|wife|husband|daughter|uncle|aunt|grandm\w*|grandp\w*|mr|mrs|dr|sir|king|queen|prince\w*|celebrit\w*
    |bieber|swift|gaga|beyonc\w*|kardashian\w*|rihanna|boyfriend|girlfriend|ex)\b""",
    re.I | re.X,
)
MASKED = re.compile(r"<(phone|email|mail|id)>|\b\d{3}[-.\s]\d{3,4}[-.\s]?\d{0,4}\b|\S+@\S+\.\S+")
LINK = re.compile(r"https?:?/?/?\S*|\bbit\.ly\S*|\bow\.ly\S*|\bt\.co\S*")
# Two capitalised words in a row may be a person's name; these words are known not to be one.
PLAIN = set(
    """Hurricane Sandy Superstorm Storm New York Jersey City Coast East West North South Atlantic Long Island Staten Queens
    Brooklyn Manhattan Texas Waco Fertilizer Fertiliser Plant Explosion Oklahoma Moore Tornado Tornadoes Warning Watch Calgary
    Alberta Flood Floods Flooding Canmore High River Bow Elbow Southern Queensland Brisbane Bundaberg Gympie Ipswich Gold
    Sunshine Cyclone Oswald National Weather Service Red Cross Severe Emergency Breaking News Update Live Rescue Fire Wildfire
    State Of Disaster Relief Fund Street Road Creek Lake Highway Bridge Hospital School Power The And In At On To Is For From
    With After Near Over Central Park Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May
    June July August September October November December Port Harbour Bay Beach Hill Valley County Town Downtown Australia
    America American Canada Canadian United States Nations Haiti Chile Santiago Pakistan Concepcion Earthquake Tsunami Water
    Help Need Please People Food Victims Damage Heavy Rain Rains Wind Winds All Are You We Our It This That Everyone Stay Safe
    Thank Thanks Good Morning Night Evening Home House Homes Area Areas Zone Evacuation Mandatory Shelter Center Centre""".split()
)


def names_somebody(text):
    """Whether two capitalised words stand together of which neither is known to be a place or a plain word."""
    words = re.findall(r"[^\s]+", text)
    for left, right in zip(words, words[1:]):
        if left[-1] in ".!?:,;":
            continue
        pair = [re.sub(r"^[^\w]+|[^\w]+$|'s$", "", word) for word in (left, right)]
        if all(re.fullmatch(r"[A-Z][a-z]+", word) for word in pair) and not any(word in PLAIN for word in pair):
            return True
    return False


def usable(text):
    return (
        20 <= len(text) <= 400
        and not UNWANTED.search(text)
        and not MASKED.search(text)
        and not names_somebody(text)
        and "\ufffd" not in text
        and "√" not in text
    )


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def slot(form, ms):
    return f"@[{form}:{int(ms)}]"


class Stream:
    """Collects records; the order of arrival is decided at the end."""

    def __init__(self):
        self.records = []

    def add(self, feed, at, payload):
        at = max(0, min(int(at), STREAM_MS))
        if isinstance(payload, bytes):
            self.records.append((at, {"feed": feed, "offset_ms": at, "payload_base64": base64.b64encode(payload).decode()}))
        else:
            self.records.append((at, {"feed": feed, "offset_ms": at, "payload": payload}))

    def lines(self):
        ordered = sorted(enumerate(self.records), key=lambda item: (item[1][0], item[0]))
        return [compact(record) + "\n" for _, (_, record) in ordered]


def crisislex(stream, data, rng):
    """Posts of five disasters with their ordinary neighbours: reposts stay, because they are what reposts look like."""
    rows = [row for row in read(data / "reports/crisislex_t6.jsonl")]
    start = {"2012_Sandy_Hurricane": 0, "2013_Alberta_Floods": 3, "2013_Queensland_Floods": 8,
             "2013_West_Texas_Explosion": 15, "2013_Oklahoma_Tornado": 21}
    for event, minute in start.items():
        for label, wanted in (("on-topic", 130), ("off-topic", 90)):
            pool = [row for row in rows if row["event"] == event and row["label"] == label]
            rng.shuffle(pool)
            taken = 0
            for row in pool:
                text = LINK.sub("", row["text"]).replace("\\", " ").strip()
                if taken == wanted or not usable(text):
                    continue
                taken += 1
                first = minute * 60_000 if label == "on-topic" else 0
                # Many posts in the first minutes, fewer later.
                share = rng.random() ** 1.6 if label == "on-topic" else rng.random()
                at = first + share * (STREAM_MS - first)
                body = {"id": row["id"], "observed": slot("rfc3339", at - rng.uniform(1_000, 15_000)), "text": text, "lang": "en"}
                stream.add("posts", at, compact(body))


def messages(stream, data, rng):
    """Messages of people in need (direct) and sentences of news, in English."""
    rows = [row for row in read(data / "reports/drm_train_val.jsonl") if row["genre"] in ("direct", "news")]
    rng.shuffle(rows)
    # Two thirds from those marked as weather, earthquake or fire: the rest is life going on.
    hazards = {"weather_related", "floods", "storm", "earthquake", "fire", "death"}
    rows.sort(key=lambda row: not hazards & set(row["labels"]))
    marked = sum(1 for row in rows if hazards & set(row["labels"]))
    rows = [row for pair in zip(rows[:marked:2], rows[1:marked:2], rows[marked:]) for row in pair]
    left = {"direct": 260, "news": 240}
    for row in rows:
        text = LINK.sub("", row["text"]).strip()
        if not left[row["genre"]] or not usable(text):
            continue
        left[row["genre"]] -= 1
        at = rng.uniform(0, STREAM_MS)
        feed = "messages" if row["genre"] == "direct" else "news-en"
        delay = rng.uniform(2_000, 60_000)
        stream.add(feed, at, compact({"id": row["id"], "observed": slot("rfc3339", at - delay), "text": text, "lang": "en"}))


def dispatch(stream, data, rng):
    """Rows of a fire department's dispatch system: several rows a call, with the department's own column names."""
    calls = {}
    for row in read(data / "reports/sffd_calls.jsonl"):
        calls.setdefault(row["call"], []).append(row)
    large = [call for call, rows in calls.items() if rows[0]["alarms"] in ("2", "3") and len(rows) >= 2][:4]
    rest = [call for call in calls if call not in large and calls[call][0]["type"] not in ("Assist Police", "Suspicious Package")]
    rng.shuffle(rest)
    taken, rows_left = [], 400
    for call in large + rest:
        if rows_left <= 0:
            break
        taken.append(call)
        rows_left -= len(calls[call])
    for call in taken:
        at = rng.uniform(0, STREAM_MS - 120_000)
        for row in calls[call]:
            row = dict(row)
            row["time"] = slot("space", at - 60_000)
            row["dispatch"] = slot("space", at - 5_000)
            if row["on_scene"]:
                row["on_scene"] = slot("space", at + 240_000)
            stream.add("sffd", at, compact(row))
            at += rng.uniform(500, 20_000)


def tickets(stream, data, rng):
    """Tickets of a city's service line."""
    unwanted = re.compile(r"ELECTION|HUMAN RIGHTS|ETHICS|SUPERVISORS|STATUS OF WOMEN|SFPD|ATTORNEY|DEFENDER|OCC|EXTERNAL")
    rows = [row for row in read(data / "reports/sf311.jsonl") if not unwanted.search(row["category"].upper())]
    rng.shuffle(rows)
    left = {"Flooding": 70, "Odor": 30}
    others = 200
    for row in rows:
        if row["type"] in left:
            if not left[row["type"]]:
                continue
            left[row["type"]] -= 1
        else:
            if not others:
                continue
            others -= 1
        at = rng.uniform(0, STREAM_MS)
        row = dict(row)
        row["time"] = slot("space", at - rng.uniform(10_000, 120_000))
        row["closed"] = None
        row["status"] = "Open"
        stream.add("sf311", at, compact(row))


def earthquakes(stream, data, rng):
    """GeoJSON features, one a record: all of magnitude 4.5 and more, and some of the many small ones."""
    features = json.loads((data / "feeds/usgs/all_week_2018.geojson").read_text(encoding="utf-8"))["features"]
    large = [f for f in features if (f["properties"]["mag"] or 0) >= 4.5]
    small = [f for f in features if (f["properties"]["mag"] or 0) < 4.5]
    chosen = large[:40] + rng.sample(small, 180)
    rng.shuffle(chosen)
    for feature in chosen:
        at = rng.uniform(0, STREAM_MS)
        text = compact(feature)
        seen = at - rng.uniform(90_000, 600_000)
        text = text.replace(f'"time":{feature["properties"]["time"]}', f'"time":{slot("millis", seen)}')
        text = text.replace(f'"updated":{feature["properties"]["updated"]}', f'"updated":{slot("millis", at - 5_000)}')
        stream.add("usgs", at, text)


def gdacs(stream, data, rng):
    """Items of the GDACS feed, each in a channel of its own."""
    source = (data / "feeds/gdacs/gdacs-rss-7d.xml").read_text(encoding="utf-8-sig")
    head = re.search(r"<rss\b[^>]*>", source).group(0)
    items = re.findall(r"<item>.*?</item>", source, re.S)
    items = [item for item in items if "gdacs:eventtype" in item]
    orange = [item for item in items if "alertlevel>Orange" in item]
    green = [item for item in items if "alertlevel>Green" in item]
    for item in orange + rng.sample(green, 36):
        at = rng.uniform(0, STREAM_MS)
        # The list of maps and reports is nine tenths of an item and says nothing about the event.
        item = re.sub(r"\s*<gdacs:resources>.*?</gdacs:resources>", "", item, flags=re.S)
        item = re.sub(r"(<pubDate>)[^<]*", lambda m: m.group(1) + slot("rfc822", at - 900_000), item)
        item = re.sub(r"(<gdacs:(?:from|to)date>)[^<]*", lambda m: m.group(1) + slot("rfc822", at - 900_000), item)
        stream.add("gdacs", at, f'<?xml version="1.0" encoding="utf-8"?>\n{head}<channel><title>GDACS</title>\n{item}\n</channel></rss>')


CAP_FILES = ["australia.cap", "canada.cap", "earthquake.cap", "wcatwc-warning.cap", "weather.cap", "examples/thunderstorm.cap"]


def moved_cap(text, at):
    """CAP with its times as slots; onset and effective are when it was sent, expiry two hours later."""
    for name, shift in (("sent", -20_000), ("effective", -20_000), ("onset", -20_000), ("expires", 7_200_000)):
        text = re.sub(rf"(<(?:cap:)?{name}>)[^<]*", lambda m, s=shift: m.group(1) + slot("cap", at + s), text)
    return text


def cap(stream, data, rng):
    folder = data / "feeds/cap/google"
    for name in CAP_FILES:
        at = rng.uniform(60_000, STREAM_MS - 60_000)
        stream.add("cap-official", at, moved_cap((folder / name).read_text(encoding="utf-8"), at))
    source = (data / "feeds/cap/ibm/nws_atom_feed_example.xml").read_text(encoding="utf-8")
    head = re.search(r"<feed\b[^>]*>", source).group(0)
    entries = re.findall(r"<entry>.*?</entry>", source, re.S)
    for entry in rng.sample(entries, 40):
        at = rng.uniform(0, STREAM_MS)
        for name, shift in (("updated", -20_000), ("published", -20_000), ("cap:effective", -20_000), ("cap:expires", 7_200_000)):
            entry = re.sub(rf"(<{name}>)[^<]*", lambda m, s=shift: m.group(1) + slot("cap", at + s), entry)
        entry = re.sub(r"\s*<author>.*?</author>", "", entry, flags=re.S)
        stream.add("nws", at, f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n<title>NWS</title>\n{entry}\n</feed>')


def chinese(stream, rng):
    """The reports of reports_zh.tsv: second, feed, id, publisher, title, text."""
    for line in (HERE / "reports_zh.tsv").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        second, feed, identifier, publisher, title, text = line.split("\t")
        at = int(second) * 1000 + rng.uniform(0, 900)
        body = {"id": identifier, "observed": slot("rfc3339", at - 4_000)}
        if publisher:
            body["publisher"] = publisher
        if title:
            body["title"] = title
        body["text"] = text
        body["lang"] = "zh"
        stream.add(feed, at, compact(body))


def poison(stream, data):
    """Records that cannot be read, and one that is years old, between good ones: nothing else may notice."""
    folder = data / "feeds/cap/google"
    stream.add("posts", 190_000, b'{"id":"bad-utf8","text":"river over the road \xff\xfe"}')
    stream.add("posts", 610_000, '{"id":"bad-cut","text":"power is out on the whole str')
    stream.add("news-zh", 1_130_000, '{"id":"bad-type","text":["not","a","string"]}')
    stream.add("hotline-zh", 1_700_000, '{"observed":"@[rfc3339:1690000]"}')
    stream.add("usgs", 1_500_000, '{"type":"FeatureCollection","features":[{"type":"Feature"},{"type":"Feature"}]}')
    stream.add("cap-official", 800_000, (folder / "xee.cap").read_text(encoding="utf-8"))
    stream.add("cap-official", 2_000_000, (folder / "canada_errors.cap").read_text(encoding="utf-8"))
    stream.add("gdacs", 2_300_000, "<rss><channel><item><title>cut</ti")
    stream.add("sffd", 2_600_000, "[]")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    data = pathlib.Path(sys.argv[1])
    rng = random.Random(20)
    stream = Stream()
    crisislex(stream, data, rng)
    messages(stream, data, rng)
    dispatch(stream, data, rng)
    tickets(stream, data, rng)
    earthquakes(stream, data, rng)
    gdacs(stream, data, rng)
    cap(stream, data, rng)
    chinese(stream, rng)
    poison(stream, data)
    lines = stream.lines()
    target = HERE / "feed.jsonl.gz"
    with open(target, "wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=9, mtime=0) as out:
        out.write("".join(lines).encode())
    counts = {}
    for _, record in stream.records:
        counts[record["feed"]] = counts.get(record["feed"], 0) + 1
    print(len(lines), "records,", target.stat().st_size, "bytes", dict(sorted(counts.items())))


if __name__ == "__main__":
    main()
