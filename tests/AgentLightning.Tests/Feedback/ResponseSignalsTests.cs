using AgentLightning.Episodes;
using AgentLightning.Feedback;

namespace AgentLightning.Tests.Feedback;

public sealed class ResponseSignalsTests
{
    [Fact]
    public void An_episode_tells_length_intent_and_confidence()
    {
        var signals = ResponseSignals.Of(
            NewEpisode("a🙂b") with
            {
                Intent = "",
                Metadata = new Dictionary<string, string> { ["intent_confidence"] = "0.75" },
            }
        );

        Assert.Equal(new ResponseSignals(3, IntentMatch: true, IntentConfidence: 0.75), signals);
    }

    [Theory]
    [InlineData("context_used", "true", true)]
    [InlineData("context_used", "True", true)]
    [InlineData("context_used", "false", false)]
    [InlineData("context_used", "False", false)]
    [InlineData("context_used", "0", false)]
    [InlineData("context_used", "", false)]
    [InlineData("context_sources", "[]", false)]
    [InlineData("context_sources", "null", false)]
    [InlineData("context_sources", """["manual.pdf"]""", true)]
    [InlineData("context_sources", "manual.pdf", true)]
    [InlineData("context_sources", "{}", false)]
    [InlineData("context_sources", "[[[[", true)]
    [InlineData("something_else", "true", false)]
    public void Metadata_says_whether_context_was_used(string key, string value, bool used) =>
        Assert.Equal(
            used,
            ResponseSignals.Of(NewEpisode("x") with { Metadata = new Dictionary<string, string> { [key] = value } }).UsedContext
        );

    [Fact]
    public void What_was_said_outright_wins_over_the_list_of_sources() =>
        Assert.False(
            ResponseSignals
                .Of(
                    NewEpisode("x") with
                    {
                        Metadata = new Dictionary<string, string> { ["context_used"] = "false", ["context_sources"] = """["a"]""" },
                    }
                )
                .UsedContext
        );

    [Fact]
    public void An_answer_that_retention_removed_has_no_length() =>
        Assert.Null(ResponseSignals.Of(NewEpisode("") with { PayloadRemoved = true }).ResponseLength);

    private static Episode NewEpisode(string output) =>
        new()
        {
            Id = "e",
            AgentId = "a",
            UserInput = "i",
            AssistantOutput = output,
            CreatedAt = DateTimeOffset.UnixEpoch,
            RequestLatencyMs = 1,
        };
}
