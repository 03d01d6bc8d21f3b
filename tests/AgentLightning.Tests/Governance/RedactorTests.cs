using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Governance;

namespace AgentLightning.Tests.Governance;

public sealed class RedactorTests
{
    private static readonly Redactor s_redactor = new(new RedactionOptions());

    [Fact]
    public void A_clean_text_comes_back_as_the_same_instance_and_costs_no_memory()
    {
        var text = string.Concat(Enumerable.Repeat("The build of 2026-01-05 took 345 seconds; the token count was 1234. ", 20));
        var json = JsonSerializer.Serialize(new { comment = text, rating = 3 });
        var least = long.MaxValue;
        // Code that the compiler has not yet optimised allocates what optimised code does not: it is tried until it is.
        for (var i = 0; i < 200_000 && least > 0; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var same = ReferenceEquals(text, s_redactor.Redact(text)) && ReferenceEquals(json, s_redactor.Redact(json));
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.True(same);
        }

        Assert.Equal(0, least);
    }

    [Theory]
    [InlineData("""{ "password" : "a\"b", "n": [1, 2.50] }""", """{ "password" : "[REDACTED]", "n": [1, 2.50] }""")]
    [InlineData("""{"pin":1234,"token":1234,"password":12345678}""", """{"pin":"[REDACTED]","token":1234,"password":"[REDACTED]"}""")]
    [InlineData("""{"secret":true,"password":null,"api_key":""}""", """{"secret":true,"password":null,"api_key":""}""")]
    [InlineData("""{"card":4111111111111111,"at":1735689600123}""", """{"card":"[CARD]","at":1735689600123}""")]
    [InlineData("""{"passwords":["a1","b2"],"x":"a1"}""", """{"passwords":["[REDACTED]","[REDACTED]"],"x":"a1"}""")]
    [InlineData("""{"properties":{"password":{"type":"string"}}}""", """{"properties":{"password":{"type":"string"}}}""")]
    [InlineData("""{"secrets":{"db":"x","n":{"y":"z"}},"db":"x"}""", """{"secrets":{"db":"[REDACTED]","n":{"y":"[REDACTED]"}},"db":"x"}""")]
    [InlineData("""{"p\u0061ssword":"x"}""", """{"p\u0061ssword":"[REDACTED]"}""")]
    [InlineData("""{"a":"jane\u0040example.com\n"}""", """{"a":"[EMAIL]\n"}""")]
    [InlineData("""{"jane@example.com":1}""", """{"[EMAIL]":1}""")]
    [InlineData("""{"a":"{\"b\":\"{\\\"password\\\":\\\"x\\\"}\"}"}""", """{"a":"{\"b\":\"{\\\"password\\\":\\\"[REDACTED]\\\"}\"}"}""")]
    [InlineData("{\"a\":1}\n{\"password\":\"x\"}", "{\"a\":1}\n{\"password\":\"[REDACTED]\"}")]
    [InlineData("\"my password is hunter2\"", "\"my password is [REDACTED]\"")]
    public void Json_stays_json_and_only_what_was_found_changes(string json, string expected) =>
        Assert.Equal(expected, s_redactor.Redact(json));

    [Fact]
    public void With_a_key_the_same_value_gets_the_same_pseudonym_and_another_key_gives_another()
    {
        const string Key = "a key of 16 characters or more";
        var redactor = new Redactor(new RedactionOptions { PseudonymKey = Key });
        var expected = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Key), "jane@example.com"u8))[..8];

        var redacted = redactor.Redact("Jane@Example.com and jane@example.com, 4111 1111 1111 1111 and 4111111111111111");

        Assert.Equal($"[EMAIL:{expected}] and [EMAIL:{expected}]", redacted.Split(',')[0]);
        var cards = redacted.Split(", ")[1].Split(" and ");
        Assert.Matches(@"^\[CARD:[0-9a-f]{8}\]$", cards[0]);
        Assert.Equal(cards[0], cards[1]);
        Assert.Equal(redacted, redactor.Redact(redacted));
        Assert.NotEqual(redacted, new Redactor(new RedactionOptions { PseudonymKey = Key + "!" }).Redact("Jane@Example.com"));
    }

    [Fact]
    public void A_value_found_in_one_text_goes_from_all_of_the_record_even_cut_short()
    {
        const string Token = "ghp_FAKE0000EXAMPLE0000FAKE0000EXAMPLE00";

        var redacted = s_redactor.RedactRecord([
            "my password is Fake0000 and the key " + Token,
            "You wrote Fake0000.",
            $"{{\"action\":\"Fix \\\"{Token[..9]}…\\\"\"}}",
            "unrelated",
            null,
        ]);

        Assert.Equal(
            [
                "my password is [REDACTED] and the key [SECRET]",
                "You wrote [REDACTED].",
                """{"action":"Fix \"[SECRET]…\""}""",
                "unrelated",
                null,
            ],
            redacted.Texts
        );
        Assert.Equal(4, redacted.Count);
    }

    [Fact]
    public void An_agent_may_have_settings_of_its_own()
    {
        const string Text = "password=fake0000 jane@example.com";
        var redactor = new Redactor(
            new RedactionOptions
            {
                Agents = new Dictionary<string, AgentRedaction>
                {
                    ["support"] = new(Pii: false),
                    ["off"] = new(Secrets: false, Pii: false),
                },
            }
        );

        Assert.Equal("password=[REDACTED] jane@example.com", redactor.Redact(Text, "support"));
        Assert.Same(Text, redactor.Redact(Text, "off"));
        Assert.Equal("password=[REDACTED] [EMAIL]", redactor.Redact(Text, "other"));
        Assert.Equal("password=fake0000 [EMAIL]", new Redactor(new RedactionOptions { Secrets = false }).Redact(Text));
    }

    [Fact]
    public void A_short_key_is_refused_without_being_told()
    {
        var error = Assert.Throws<LightningException>(() => new Redactor(new RedactionOptions { PseudonymKey = "fifteen-letters" }));

        Assert.Equal("PseudonymKey of the redaction must have at least 16 characters, but it has 15.", error.Message);
        Assert.DoesNotContain("sixteen", new RedactionOptions { PseudonymKey = "sixteen-letters-" }.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_holds_a_secret_is_refused_without_being_told()
    {
        var error = Assert.Throws<LightningException>(() => s_redactor.CheckName("ghp_FAKE0000EXAMPLE0000FAKE0000EXAMPLE00", "episode_id"));

        Assert.DoesNotContain("ghp_", error.Message, StringComparison.Ordinal);
        Assert.Equal("jane@example.com", s_redactor.CheckName("jane@example.com", "evaluator"));
    }
}
