using System.Text;
using System.Text.Json;
using AgentLightning.Governance;
using CsCheck;

namespace AgentLightning.Tests.Governance;

/// <summary>What holds for every text, tried on thousands of made-up ones; a failure shrinks to the shortest.</summary>
public sealed class RedactionPropertyTests
{
    private static readonly Redactor s_plain = new(new RedactionOptions());
    private static readonly Redactor s_named = new(new RedactionOptions { PseudonymKey = "0123456789abcdef" });

    private static readonly string[] s_pieces =
    [
        "password",
        "=",
        ":",
        " ",
        "\"",
        "'",
        "\\",
        "\n",
        "@",
        ".",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "-",
        "+",
        "/",
        "://",
        "::",
        "…",
        "...",
        "%40",
        "bearer ",
        "token",
        "secret",
        " is ",
        "<",
        ">",
        "ghp_",
        "sk-",
        "eyJ",
        "-----BEGIN ",
        "PRIVATE KEY-----",
        "-----END",
        "Q~",
        "sig=",
        "?",
        "&",
        "1",
        "22",
        "333",
        "4111111111111111",
        "192.0.2.1",
        "fe80::1",
        "a",
        "Zz9",
        "example.com",
        "ü",
        "密码",
        "是",
        "\ud83d\ude42",
        "\ud800",
        "\0",
        "[EMAIL]",
        "[REDACTED:0a1b2c3d]",
        "[SECRET",
        "--",
        "=>",
        "é",
        "GB82WEST12345698765432",
        "078-05-1120",
    ];

    /// <summary>What may stand before and behind a key that stands on its own.</summary>
    private static readonly string[] s_between = [" ", "\n", "\t", "\"", "'", "(", ")", ", ", "; ", "<", ">", "\n\n", " = ", ": ", " ("];

    public static TheoryData<string> Hostile =>
        [
            "a",
            "1",
            "1 ",
            "12-",
            "@",
            "a@",
            "a@a.",
            "password=",
            "password='",
            "password=\"",
            "token:token",
            "secret ",
            "bearer ",
            "eyJ-",
            "eyJaaaaaa.",
            "sk-",
            "ghp_",
            "://",
            "://:",
            "://a:b",
            "-----BEGIN ",
            "-----BEGIN PRIVATE KEY-----",
            "Q~",
            "1Q~a",
            ":",
            "::",
            "f:",
            "1.",
            "1.1.1.1.",
            "[",
            "{",
            "[\"",
            "{\"a\":",
            "\\",
            "\\\"",
            "[SECRET]",
            "[EMAIL",
            "…",
            "+1",
            "(1",
            "sig=&",
            "?sig=",
            "%40",
            "<password>",
            "--token ",
            "GB82",
            "connection string:",
            "cookie: ",
            "xox",
            "密码",
            "0 0 ",
            "4111 1111 ",
        ];

    private static readonly Gen<string> s_text = Texts(24);

    /// <summary>JSON of any depth whose strings, names and numbers may hold something.</summary>
    private static readonly Gen<string> s_values = Gen.Recursive<string>(
        (depth, value) =>
            depth > 3
                ? Leaf()
                : Gen.Frequency<string>(
                    (2, Leaf()),
                    (1, value.Array[0, 3].Select(items => $"[{string.Join(" ,", items)}]")),
                    (
                        1,
                        Gen.Select(Gen.OneOf(s_pieces), value)
                            .Array[0, 3]
                            .Select(pairs =>
                                $"{{{string.Join(",", pairs.Select((pair, i) => $"{JsonSerializer.Serialize(i + pair.Item1)} : {pair.Item2}"))}}}"
                            )
                    )
                )
    );

    [Fact]
    public void Redacting_never_throws_and_twice_is_once() =>
        s_text.Sample(
            text =>
            {
                foreach (var redactor in new[] { s_plain, s_named })
                {
                    var once = redactor.Redact(text);
                    Assert.Equal(once, redactor.Redact(once));
                }
            },
            iter: 20_000
        );

    [Fact]
    public void Json_stays_json_with_the_same_shape() =>
        s_values.Sample(
            value =>
            {
                // A bare number is a text like any other.
                var json = $"[{value}]";
                var redacted = s_plain.Redact(json);
                using var before = JsonDocument.Parse(json);
                using var after = JsonDocument.Parse(redacted);

                Assert.Equal(Shape(before.RootElement), Shape(after.RootElement));
                Assert.Equal(redacted, s_plain.Redact(redacted));
            },
            iter: 5_000
        );

    /// <summary>Keys of every shape, between texts of any kind; only what stands on its own is promised.</summary>
    [Fact]
    public void A_key_never_survives_whatever_stands_around_it() =>
        Gen.Select(Texts(6), Gen.OneOf(SecretShapes.All.Select(shape => shape.Prefix).ToArray()), Gen.OneOf(s_between), Texts(6))
            .Sample(
                (before, prefix, between, after) =>
                {
                    var (shape, key) = SecretShapeTests.KeyOf(prefix);
                    var secret = shape.IsAddress ? key[prefix.Length..] : key;

                    Assert.DoesNotContain(secret, s_plain.Redact(before + between + key + between + after), StringComparison.Ordinal);
                    Assert.DoesNotContain(
                        secret,
                        s_plain.Redact(JsonSerializer.Serialize(new { text = before + between + key + between + after })),
                        StringComparison.Ordinal
                    );
                },
                iter: 10_000
            );

    /// <summary>What is found in one text of a record is in none of its texts.</summary>
    [Fact]
    public void What_a_name_gives_away_in_one_text_is_taken_out_of_all() =>
        Gen.Select(Gen.Char["abcdefghijkmnpqrstuvwxyz23456789"].Array[12, 24].Select(letters => $"7{string.Concat(letters)}Q"), Texts(4))
            .Sample(
                (secret, around) =>
                {
                    var redacted = s_plain.RedactRecord([
                        $"{around} {secret} {around}",
                        $$"""{"api_key":"{{secret}}"}""",
                        $"it is {secret}.",
                    ]);

                    Assert.All(redacted.Texts.Skip(1), text => Assert.DoesNotContain(secret, text!, StringComparison.Ordinal));
                    Assert.True(redacted.Count > 1);
                },
                iter: 3_000
            );

    [Fact]
    public void Json_is_called_clean_when_and_only_when_nothing_would_be_taken_out_of_it()
    {
        var clean = 0;
        foreach (var line in Corpus.Lines)
        {
            var json = JsonSerializer.Serialize(
                new { attributes = new { text = line.Text, inner = JsonSerializer.Serialize(new { line.Text }) } }
            );
            var isUnchanged = ReferenceEquals(s_plain.RedactRecord([json, "name"]).Texts[0], json);
            Assert.Equal(isUnchanged, s_plain.IsClean(Encoding.UTF8.GetBytes(json), "name", null));
            var named = s_plain.RedactRecord(["{}", line.Text]).Texts[1] == line.Text;
            Assert.Equal(named, s_plain.IsClean("{}"u8, line.Text, null));
            clean += isUnchanged ? 1 : 0;
        }

        Assert.True(clean > 10);
    }

    [Fact]
    public void Every_line_of_the_corpus_stays_what_it_is_inside_json()
    {
        foreach (var line in Corpus.Lines)
        {
            var json = JsonSerializer.Serialize(new { note = line.Text });

            using var after = JsonDocument.Parse(s_plain.Redact(json));

            Assert.Equal(s_plain.Redact(line.Text), after.RootElement.GetProperty("note").GetString());
        }
    }

    /// <summary>
    /// The work is counted as memory: four times the text, about four times the bytes. That it ends at all for a million characters is the
    /// rest.
    /// </summary>
    [Theory]
    [MemberData(nameof(Hostile))]
    public void Hostile_input_costs_in_proportion_to_its_length(string piece)
    {
        Redact(1_000);
        var (small, large) = (Redact(50_000), Redact(200_000));
        Redact(1_000_000);

        Assert.InRange(large, 0, (small * 6) + 100_000);

        long Redact(int length)
        {
            var text = string.Concat(Enumerable.Repeat(piece, length / piece.Length));
            // The least of a few: buffers that the runtime's pool had given up in between are allocated again.
            return Enumerable
                .Range(0, 3)
                .Min(_ =>
                {
                    var before = GC.GetAllocatedBytesForCurrentThread();
                    s_plain.Redact(text);
                    return GC.GetAllocatedBytesForCurrentThread() - before;
                });
        }
    }

    /// <summary>Pieces of secrets, signs and lines of the corpus, one behind the other.</summary>
    private static Gen<string> Texts(int most) =>
        Gen.Frequency<string>((3, Gen.OneOf(s_pieces)), (1, Gen.OneOf(Corpus.Lines.Select(line => line.Text[..^1]).ToArray())))
            .Array[1, most]
            .Select(string.Concat);

    private static Gen<string> Leaf() =>
        Gen.OneOf<string>(
            Gen.Int.Select(number => number.ToString(null as IFormatProvider)),
            Gen.OneOf("4111111111111111", "null", "true"),
            Texts(4).Select(text => JsonSerializer.Serialize(text))
        );

    private static string Shape(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Array => $"[{string.Join(',', element.EnumerateArray().Select(Shape))}]",
            JsonValueKind.Object => $"{{{string.Join(',', element.EnumerateObject().Select(property => Shape(property.Value)))}}}",
            JsonValueKind.String or JsonValueKind.Number => "v",
            _ => element.GetRawText(),
        };
}
