using System.Text;
using System.Text.Json;
using AgentLightning.Governance;

namespace AgentLightning.Tests.Governance;

/// <summary>What holds for every text, tried on thousands of made-up ones from a fixed seed.</summary>
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

    [Fact]
    public void Redacting_never_throws_and_twice_is_once()
    {
        var random = new Random(20_260_105);
        for (var i = 0; i < 20_000; i++)
        {
            var text = Text(random, random.Next(1, 24));
            foreach (var redactor in new[] { s_plain, s_named })
            {
                var once = redactor.Redact(text);
                Assert.True(once == redactor.Redact(once), $"{i}: {text}\nonce  {once}\ntwice {redactor.Redact(once)}");
            }
        }
    }

    [Fact]
    public void Json_stays_json_with_the_same_shape()
    {
        var random = new Random(7);
        for (var i = 0; i < 5_000; i++)
        {
            // A bare number is a text like any other.
            var json = $"[{Json(random, 0)}]";
            var redacted = s_plain.Redact(json);
            using var before = JsonDocument.Parse(json);
            using var after = JsonDocument.Parse(redacted);

            Assert.True(Shape(before.RootElement) == Shape(after.RootElement), $"{i}: {json}\n{redacted}");
            Assert.Equal(redacted, s_plain.Redact(redacted));
        }
    }

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

    private static string Text(Random random, int pieces)
    {
        var text = new StringBuilder();
        for (var i = 0; i < pieces; i++)
        {
            text.Append(
                random.Next(4) == 0 ? Corpus.Lines[random.Next(Corpus.Lines.Count)].Text[..^1] : s_pieces[random.Next(s_pieces.Length)]
            );
        }

        return text.ToString();
    }

    private static string Json(Random random, int depth) =>
        random.Next(depth > 3 ? 4 : 6) switch
        {
            0 => random.Next().ToString(null as IFormatProvider),
            1 => "4111111111111111",
            2 => "null",
            3 => JsonSerializer.Serialize(Text(random, 4)),
            4 => $"[{string.Join(" ,", Enumerable.Range(0, random.Next(4)).Select(_ => Json(random, depth + 1)))}]",
            _ =>
                $"{{{string.Join(",", Enumerable.Range(0, random.Next(4)).Select(i => $"{JsonSerializer.Serialize(i + s_pieces[random.Next(s_pieces.Length)])} : {Json(random, depth + 1)}"))}}}",
        };

    private static string Shape(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Array => $"[{string.Join(',', element.EnumerateArray().Select(Shape))}]",
            JsonValueKind.Object => $"{{{string.Join(',', element.EnumerateObject().Select(property => Shape(property.Value)))}}}",
            JsonValueKind.String or JsonValueKind.Number => "v",
            _ => element.GetRawText(),
        };
}
