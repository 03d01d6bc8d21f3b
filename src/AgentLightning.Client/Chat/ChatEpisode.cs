using System.Security.Cryptography;
using System.Text;
using AgentLightning.Client.Delivery;
using AgentLightning.Episodes;

namespace AgentLightning.Client.Chat;

/// <summary>Makes the episode of a call.</summary>
internal static class ChatEpisode
{
    private const int LongestName = 200;

    public static Episode Of(ChatCall call, IReadOnlyList<ChatTurn> input, IReadOnlyList<ChatTurn> output)
    {
        var lastUser = input.LastOrDefault(turn => turn.Role == "user");
        return new Episode
        {
            Id = call.Scope.EpisodeId,
            AgentId = call.AgentId,
            CreatedAt = call.CreatedAt,
            RequestLatencyMs = call.LatencyMs,
            UserInput = lastUser.Role is null ? (input.Count == 0 ? "" : TextOf(input[^1])) : TextOf(lastUser),
            AssistantOutput = string.Concat(output.Where(turn => turn.Role != "tool").Select(TextOf)),
            ModelDeployment = Name(call.Model),
            MessageId = Name(output.LastOrDefault(turn => turn.Role == "assistant").MessageId),
            ToolCalls = ToolCalls(input, output),
            Messages = [.. input.Concat(output).SelectMany(MessagesOf)],
        };
    }

    /// <summary>A name as short as names may be.</summary>
    public static string? Name(string? name) =>
        string.IsNullOrEmpty(name) ? null
        : name.Length <= LongestName && !name.Any(char.IsControl) ? name
        : new string([.. name.Where(c => !char.IsControl(c)).Take(LongestName)]);

    public static TokenUsage? Usage(long? prompt, long? completion, long? total) =>
        prompt is null && completion is null && total is null
            ? null
            : new TokenUsage(Count(prompt), Count(completion), Count(total ?? ((prompt ?? 0) + (completion ?? 0))));

    /// <summary>What was the same for many calls is told by its hash.</summary>
    public static Dictionary<string, string>? Metadata(string? instructions, string? finish, string? responseId, SelectedRelease release)
    {
        var metadata = new Dictionary<string, string>();
        Add(
            "instructions_hash",
            instructions is null ? null : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(instructions)).AsSpan(0, 8))
        );
        Add("finish_reason", finish);
        Add("response_id", responseId);
        Add("experiment_id", release.ExperimentId);
        Add("variant", release.Variant);
        return metadata.Count == 0 ? null : metadata;

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                metadata[name] = value;
            }
        }
    }

    private static int Count(long? count) => (int)Math.Clamp(count ?? 0, 0, int.MaxValue);

    /// <summary>Texts of a message one after the other, without what it thought.</summary>
    private static string TextOf(ChatTurn turn) =>
        turn.Text ?? string.Concat((turn.Parts ?? []).Where(part => part.Kind == ChatPartKind.Text).Select(part => part.Text));

    /// <summary>
    /// The calls of this piece of work, with their results: those of the answer, and those since the last word of the user whose results
    /// were given.
    /// </summary>
    private static List<EpisodeToolCall> ToolCalls(IReadOnlyList<ChatTurn> input, IReadOnlyList<ChatTurn> output)
    {
        var from = input.Count;
        while (from > 0 && input[from - 1].Role != "user")
        {
            from--;
        }

        var turns = input.Skip(from).Concat(output).ToList();
        var results = turns
            .SelectMany(PartsOf)
            .Where(part => part.Kind == ChatPartKind.Result)
            .GroupBy(part => part.Id)
            .ToDictionary(group => group.Key ?? "", group => group.Last());
        return
        [
            .. turns
                .SelectMany(PartsOf)
                .Where(part => part.Kind == ChatPartKind.Call)
                .Select(part =>
                {
                    var hasResult = results.TryGetValue(part.Id ?? "", out var result);
                    return new EpisodeToolCall(
                        Name(part.Text) ?? "unnamed",
                        ChatJson.Arguments(part.Value),
                        hasResult ? ChatJson.Result(result.Value) : null,
                        0,
                        part.Error ?? (hasResult ? result.Error : null)
                    );
                }),
        ];
    }

    /// <summary>A message; where it holds results of tools, one for each.</summary>
    private static IEnumerable<EpisodeMessage> MessagesOf(ChatTurn turn)
    {
        var role = Name(turn.Role) ?? "unknown";
        if (turn.Text is not null)
        {
            yield return new EpisodeMessage(role, turn.Text, Name(turn.Author));
            yield break;
        }

        foreach (var result in PartsOf(turn).Where(part => part.Kind == ChatPartKind.Result))
        {
            yield return new EpisodeMessage("tool", ChatJson.Result(result.Value) ?? result.Error, Name(turn.Author), Name(result.Id));
        }

        var calls = PartsOf(turn)
            .Where(part => part.Kind == ChatPartKind.Call)
            .Select(part => new MessageToolCall(Name(part.Id), Name(part.Text) ?? "unnamed", ChatJson.Arguments(part.Value)))
            .ToList();
        var said = PartsOf(turn).Where(part => part.Kind is not (ChatPartKind.Call or ChatPartKind.Result)).ToList();
        if (said.Count > 0 || calls.Count > 0)
        {
            var content =
                said.Count == 0 ? null
                : said.All(part => part.Kind == ChatPartKind.Text) ? TextOf(turn)
                : ChatJson.Parts(Joined(said));
            yield return new EpisodeMessage(role, content, Name(turn.Author), ToolCalls: calls.Count == 0 ? null : calls);
        }
    }

    /// <summary>A streamed text comes in many parts: those of one kind in a row are one.</summary>
    private static IEnumerable<ChatPart> Joined(List<ChatPart> parts)
    {
        for (var i = 0; i < parts.Count; )
        {
            var (first, end) = (parts[i], i + 1);
            while (end < parts.Count && first.Kind is ChatPartKind.Text or ChatPartKind.Reasoning && parts[end].Kind == first.Kind)
            {
                end++;
            }

            yield return end == i + 1 ? first : first with { Text = string.Concat(parts.Skip(i).Take(end - i).Select(part => part.Text)) };
            i = end;
        }
    }

    private static IEnumerable<ChatPart> PartsOf(ChatTurn turn) => turn.Parts ?? [];
}
