"""People writing and talking to each other: letters, e-mails and conversations."""

from tinylm.world.grammar import says, states
from tinylm.world.writer import Writer

STYLES = ("formal", "casual")

FORMS = {
    "from:": says("From:"),
    "to:": says("To:"),
    "sender": says("{speaker:full}"),
    "receiver": says("{person:full}"),
    "subject:": says("Subject:"),
    "greeting formal": says("Dear {person:full},", "Most honoured {person:full},"),
    "greeting casual": says("Dear {person:given},", "Hello {person:given},", "Hi {person:given}!"),
    "opening formal": says(
        "I hope (that this letter finds you well|that you are in good health).",
        "Thank you (very much|most kindly) for your (last|long) letter.",
        "Please forgive my long silence.",
        "It is a pleasure to write to you[ again].",
    ),
    "opening casual": says(
        "How are you?",
        "Thanks for your (letter|card|note)!",
        "It has been (so long|far too long|ages)!",
        "You will not believe what a week I had.",
        "Just a few lines from me.",
    ),
    "small talk": says(
        "The weather here is {skies}.",
        "We had a {weather} {weekday}.",
        "The {animal:s} near the {place} (are back|come to my door|have young ones).",
        "I (often|sometimes) {pastime} near the {place}.",
        "My neighbour, {job:a}, is as {virtue} as ever.",
        "Yesterday I lost my {thing}.",
    ),
    "subject visit": says("My visit", "Coming to see you", "A visit on {weekday}"),
    "subject event": says("An invitation", "{event}", "Come with me"),
    "subject thanks": says("Thank you", "Your present", "The {item}"),
    "subject news": says("News", "How I am", "A few lines", "{weekday}"),
    "visit formal": states(
        "visits",
        "I would like to call on you on {weekday}.",
        "May I come to see you on {weekday}?",
        subject="speaker",
    ),
    "visit casual": states(
        "visits",
        "I am coming to see you on {weekday}!",
        "See you on {weekday}!",
        "What about {weekday}, are you at home?",
        subject="speaker",
    ),
    "thanks formal": states(
        "got", "I thank you most kindly for the {item}.", "The {item} gave me great joy.", subject="speaker"
    ),
    "thanks casual": states("got", "Thanks for the {item}!", "I love the {item}.", subject="speaker"),
    "invite formal": says("It would be an honour to see you there.", "May I hope to meet you there?"),
    "invite casual": says("Come along!", "Shall we go together?", "You must come!"),
    "closing formal": says("With kind regards,", "Yours faithfully,", "With all good wishes,"),
    "closing casual": says("Love,", "See you soon,", "Yours,", "All the best,"),
    "signed full": says("{speaker:full}"),
    "signed given": says("{speaker:given}"),
    # spoken
    "full:": says("{speaker:full}:"),
    "given:": says("{speaker:given}:"),
    "hello": says(
        "Good (morning|evening), {person:given}!", "Hello, {person:given}!", "Oh, {person:given}, it is you!"
    ),
    "goodbye": says("I must (go|run).", "See you soon!", "Until next time!", "Take care!"),
    "your home?": says("Where do you live[ now]?", "Are you still in the same town?"),
    "your job?": says("What do you do (for a living|these days)?", "What is your job[ now]?"),
    "your workplace?": says("Who do you work for?", "Where do you work[ now]?"),
    "your pet?": says("Do you (keep|have) (a pet|an animal)?", "Which animal do you (keep|have)?"),
    "your food?": says("What do you like to eat?", "What is your favourite food?"),
    "your born?": says("When were you born?", "In which year were you born?"),
    "remark": says(
        "How (nice|lovely|interesting)!",
        "I (did not know that|see).",
        "(Really|Oh)?",
        "I (remember|thought so).",
        "That sounds (fine|good|like you).",
    ),
    "user:": says("User:"),
    "assistant:": says("Assistant:"),
    "i have": states(
        "has", "I have {item:a}.", "I bought {item:a} today.", "Look, this is my {item}.", subject="speaker"
    ),
    "i am at": states(
        "is-at", "I am (close to|near) the {place}.", "I am waiting near the {place}.", subject="speaker"
    ),
    "i have?": says("What do I have?", "What did I say that I have?"),
    "i am at?": says("Where am I?", "Where did I say that I am?"),
    "i have!": states("has", "You have {item:a}.", subject="speaker", retold=True),
    "i am at!": states("is-at", "You are near the {place}.", subject="speaker", retold=True),
    "acknowledged": says("I will remember that.", "Good to know.", "Thank you for telling me.", "I see."),
    "chatter": says("I am {mood} today.", "It is {weather} here.", "I saw {animal:a} near the {place}."),
    "choice": says("What shall we (do now|talk about)?", "What do you want to hear?"),
    "any choice": says("Whatever you like.", "You may choose.", "Anything is fine."),
}
TOLD = {"visits": ("person", "weekday"), "got": ("person", "item")}
TOPICS = {"visit": ["weekday"], "event": ["event"], "thanks": ["item"], "news": []}  # and what each is about
MINE = ["home", "job", "workplace", "pet", "food", "born"]


def letter(w: Writer) -> None:
    """A letter or an e-mail from one person to another, formal or casual throughout."""
    sender = w.person()
    receiver = w.person(but=[sender])
    style = w.one_of(STYLES)
    w.notes["style"] = style
    topic = w.one_of(list(TOPICS))
    about = {
        kind: w.entity(kind) if kind == "event" else w.one_of(w.world.kinds[kind]) for kind in TOPICS[topic]
    }
    mail = w.chance(0.5)
    if mail:
        w.say("from:")
        w.say("sender", speaker=sender)
        w.line()
        w.say("to:")
        w.say("receiver", person=receiver)
        w.line()
        w.say("subject:")
        w.say(f"subject {topic}", **about)
        w.line()
    w.speaker = sender
    w.say(f"greeting {style}", person=receiver)
    w.line()
    if w.chance(0.8):
        w.say(f"opening {style}")
    known = [relation for relation in w.world.tellable(sender) if relation in MINE]
    for relation in w.several(known, min(len(known), w.number(0, 2))):
        w.state(f"my {relation}", sender)
    if topic == "news" or w.chance(0.5):
        w.say("small talk")
    if topic == "visit":
        w.say(f"visit {style}", **about)
    elif topic == "thanks":
        w.say(f"thanks {style}", **about)
    elif topic == "event":
        w.state("venue month", about["event"])
        w.say(f"invite {style}")
    w.line()
    w.say(f"closing {style}")
    w.line()
    w.say("signed given" if mail and style == "casual" else "signed full", speaker=sender)


def conversation(w: Writer) -> None:
    """Two people talk, or someone talks with an assistant that has to remember what was said."""
    if w.chance(0.5):
        between_people(w)
    else:
        with_assistant(w)


def between_people(w: Writer) -> None:
    group = "unasked" if w.unseen else "asked"
    first = w.entity(group)
    second = w.entity(group, but=[first])
    again = "full:" if first.partition(" ")[0] == second.partition(" ")[0] else "given:"
    w.say("full:", speaker=first)
    w.say("hello", person=second)
    asked, asker, other = [], first, second
    for n in range(w.number(1, 3)):
        left = [r for r in w.world.tellable(other) if r in MINE and (r, other) not in asked]
        if not left:
            break
        relation = w.one_of(left)
        asked.append((relation, other))
        w.say(f"your {relation}?")
        turn(w, "full:" if n == 0 else again, other)
        w.state(f"my {relation}", other)
        asker, other = other, asker
    turn(w, again, other)
    w.say("remark")
    w.say("goodbye")


def turn(w: Writer, key: str, speaker: str) -> None:
    """The name of who speaks next, at the start of a line."""
    w.line()
    w.say(key, speaker=speaker)


def with_assistant(w: Writer) -> None:
    """The user says something; after some small talk the assistant is asked for it."""
    topic = w.one_of(["i have", "i am at"])
    w.say("user:")
    known = w.say(topic)
    reply(w, "acknowledged")
    for _ in range(w.number(0, 2)):
        w.say("user:")
        said, answered = w.one_of([("chatter", "acknowledged"), ("choice", "any choice")])
        w.say(said)
        reply(w, answered)
    w.say("user:")
    w.say(f"{topic}?")
    w.line()
    w.say("assistant:")
    w.ask()
    w.say(f"{topic}!", **known)


def reply(w: Writer, key: str) -> None:
    w.line()
    w.say("assistant:")
    w.say(key)
    w.line()


GENRES = {"letters": letter, "conversations": conversation}
