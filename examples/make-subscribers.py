#!/usr/bin/env python3
"""Writes subscribers.csv: python3 examples/make-subscribers.py > examples/subscribers.csv

Deterministic: the same seed gives the same file, so the file can be checked against this program and made
larger for a load test (first argument: number of persons). Nobody in it exists; all domains are reserved
(RFC 2606). The numbers of rows of each kind are printed to standard error.
"""

import csv
import json
import random
import sys

PERSONS = int(sys.argv[1]) if len(sys.argv) > 1 else 5601
DUPLICATES = 60

# Given names, family names, languages, cities, and Latin spellings for the address.
PEOPLE = [
    ("Anna Emma Olivia Grace Thomas James Lucy Henry", "Baker Clarke Ellis Foster Hughes Morgan Turner Ward",
     "en", "Leeds|Bristol|Dublin|O'Fallon|St. John's", None),
    ("Jörg Zoë François Núria Łukasz Šárka Åsa Øyvind İpek Chloé João Bjørn", "Müller Dvořák Łęcki Åström Gonçalves "
     "Núñez Østergård Yılmaz Szabó Țurcan Kõiv Brontë", "de", "Köln|Łódź|Malmö|São Paulo|Čáslav|Reykjavík",
     ("jorg zoe francois nuria lukasz sarka asa oyvind ipek chloe joao bjorn",
      "mueller dvorak lecki astrom goncalves nunez ostergard yilmaz szabo turcan koiv bronte")),
    ("Анна Дмитрий Ольга Иван Соломія Мария", "Иванова Петров Соколова Кузнецов Шевченко Волкова", "uk",
     "Київ|Варна|Львів", ("anna dmitry olga ivan solomiya maria",
                         "ivanova petrov sokolova kuznetsov shevchenko volkova")),
    ("Ελένη Γιώργος Μαρία Νίκος", "Παπαδοπούλου Νικολάου Γεωργίου Οικονόμου", "el", "Αθήνα|Πάτρα",
     ("eleni giorgos maria nikos", "papadopoulou nikolaou georgiou oikonomou")),
    ("فاطمة محمد ليلى يوسف", "الحسن العلي حداد منصور", "ar", "القاهرة|عمّان", ("fatima mohammed layla yusuf",
                                                                  "alhassan alali haddad mansour")),
    ("נועה דוד תמר יוסי", "כהן לוי מזרחי פרץ", "he", "חיפה|תל אביב", ("noa david tamar yossi",
                                                                "cohen levi mizrahi peretz")),
    ("伟 芳 秀英 敏", "王 李 张 刘", "zh", "成都|臺北", ("wei fang xiuying min", "wang li zhang liu")),
    ("さくら 健太 美咲 大輔", "佐藤 鈴木 高橋 渡辺", "ja", "京都|札幌", ("sakura kenta misaki daisuke",
                                                        "sato suzuki takahashi watanabe")),
    ("민준 서연 지훈 수빈", "김 이 박 최", "ko", "서울|부산", ("minjun seoyeon jihun subin", "kim lee park choi")),
    ("प्रिया अर्जुन दीपिका रोहन", "शर्मा पटेल गुप्ता सिंह", "hi", "पुणे|जयपुर", ("priya arjun deepika rohan",
                                                                      "sharma patel gupta singh")),
    ("สมชาย มาลี อรุณ พิมพ์", "ใจดี สุขใจ ทองดี ศรีสุข", "th", "เชียงใหม่|ภูเก็ต", ("somchai malee arun pim",
                                                                       "jaidee sukjai thongdee srisuk")),
]
WEIGHTS = [40, 30, 8, 4, 4, 3, 4, 4, 3, 4, 3]
COMMON = ["example.com", "example.org", "example.net", "mail.example.com", "inbox.example.org", "post.example.net"]
WORDS = "harbour maple north river studio atlas copper linden orchard signal".split()
ENDINGS = ["example.com", "example.org", "example.net", "example", "test"]
COMPANIES = ["Müller & Söhne", "Harbour <Lane> Studio", "株式会社みなと", 'The "Good" Bakery', "Linden Ltd", "Ateliê Três"]

rng = random.Random(20260101)


def domain(person):
    if rng.random() < 0.6:
        return rng.choice(COMMON)
    sub = rng.choice(["", "", "mail.", "staff.", f"dept{person % 7}."])
    return f"{sub}{rng.choice(WORDS)}.{rng.choice(ENDINGS)}"


def address(person, first, last, seen):
    """ASCII, plausible and not given out before."""
    while True:
        local = rng.choice([f"{first}.{last}", f"{first[0]}.{last}", f"{first}{last[0]}", f"{first}_{last}",
                            f"{last}-{first}", first + str(rng.randrange(50, 100)), f"{first}.{last}{person}"])
        if rng.random() < 0.08:
            local += "+" + rng.choice(["news", "lists", "larkfield", "2026"])
        email = f"{local}@{domain(person)}"
        if email not in seen:
            seen.add(email)
            return email.title() if rng.random() < 0.02 else email


def display(person, first, last, language):
    if person % 97 == 0:
        return ""
    if person % 89 == 0:
        return f'{last}, "{first[:2]}" {first}'
    if person % 41 == 0:
        return first
    return {"zh": f"{last}{first}", "ja": f"{last} {first}", "ko": f"{last}{first}"}.get(language, f"{first} {last}")


def attributes(person, language, city):
    fields = {"city": city, "plan": rng.choices(["free", "team", "business"], [70, 22, 8])[0],
              "signed_up": f"202{rng.randrange(2, 6)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
              "language": language}
    if fields["plan"] == "business" or person % 13 == 0:
        fields["company"] = {"name": rng.choice(COMPANIES), "seats": rng.randrange(1, 400)}
    for key in list(fields):
        if rng.random() < 0.05 or person % 131 == 0:
            del fields[key]
    return json.dumps(fields, ensure_ascii=False, indent=2 if person in (1200, 4100) else None)


def person(number, seen):
    given, family, language, cities, latin = rng.choices(PEOPLE, WEIGHTS)[0]
    spelled = latin or (given.lower(), family.lower())
    g, f = rng.randrange(len(given.split())), rng.randrange(len(family.split()))
    first, last = given.split()[g], family.split()[f]
    email = address(number, spelled[0].split()[g], spelled[1].split()[f], seen)
    return [email, display(number, first, last, language),
            attributes(number, language, rng.choice(cities.split("|")))]


def again(row):
    """The same person, written differently."""
    email = rng.choice([str.upper, str.title, lambda e: f" {e}", lambda e: f"{e}  ", lambda e: f"\t{e.upper()} "])
    return [email(row[0].lower()), row[1], row[2]]


INVALID = [
    ["nobody.example.com", "No At", "{}"],
    ["two@signs@example.com", "Two Ats", "{}"],
    ["", "Empty Address", '{"city": "Leeds"}'],
    ["space@exam ple.com", "Space In Domain", "{}"],
    ["broken.json@example.com", "Broken Attributes", '{"city": "Leeds", "plan": }'],
    ["too.few@example.com"],
    ["x" * 65 + "@example.com", "Long Local Part", "{}"],
]

seen = set()
people = [person(number, seen) for number in range(1, PERSONS + 1)]
rows = list(people)
for source in rng.sample(range(PERSONS), DUPLICATES):
    copy = again(people[source])
    if copy[0] == people[source][0]:
        copy[0] += " "
    rows.insert(rng.randrange(rows.index(people[source]) + 1, len(rows) + 1), copy)
for row in INVALID:
    rows.insert(rng.randrange(len(rows)), row)

sys.stdout.reconfigure(encoding="utf-8")
out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(["email", "name", "attributes"])
out.writerows(rows)
print(f"{len(rows)} rows: {PERSONS} persons, {DUPLICATES} duplicates, {len(INVALID)} invalid", file=sys.stderr)
