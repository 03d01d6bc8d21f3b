using System.Text;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Rewards;

namespace AgentLightning.Datasets.Building;

/// <summary>
/// The conversations of a golden file as a source of episodes. They wait in a file of their own until it is known which are held out, so
/// that memory does not grow with their texts.
/// </summary>
internal sealed class GoldenLines(Redactor redactor, string agentId) : IEpisodeSource, IAsyncDisposable
{
    private const int LongestLine = 8 * 1024 * 1024;
    private const int MostLines = 1_000_000;
    private const int TellsSkipped = 20;
    private readonly Dictionary<string, (long Start, int Length)> _places = [];
    private readonly List<(string Id, string Key)> _lines = [];
    private readonly List<SkippedLine> _skipped = [];
    private readonly FileStream _texts = new(
        Path.GetTempFileName(),
        FileMode.Create,
        FileAccess.ReadWrite,
        FileShare.None,
        65_536,
        FileOptions.DeleteOnClose
    );

    /// <summary>Lines that are no conversation, the first of them.</summary>
    public IReadOnlyList<SkippedLine> Skipped => _skipped;

    public int SkippedCount { get; private set; }

    /// <summary>Reads the file, line by line.</summary>
    public async Task ReadAsync(Stream file, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(file, new UTF8Encoding(false, throwOnInvalidBytes: false), leaveOpen: true);
        for (var number = 1; await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line; number++)
        {
            if (number > MostLines || line.Length > LongestLine)
            {
                throw LightningException.Invalid(
                    $"A golden file must have up to {MostLines} lines of up to {LongestLine} characters, but line {number} is beyond that. "
                        + $"Divide the file."
                );
            }

            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var (content, why) = Parse(line, $"line:{number}");
            if (content is null)
            {
                SkippedCount++;
                if (_skipped.Count < TellsSkipped)
                {
                    _skipped.Add(new SkippedLine(number, why!));
                }

                continue;
            }

            var bytes = JsonSerializer.SerializeToUtf8Bytes(content, LightningJson.Options);
            _places.Add(content.Id, (_texts.Length, bytes.Length));
            _lines.Add((content.Id, content.InputKey));
            await _texts.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            await _texts.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public Task ScanAsync(string agent, DatasetRequest request, Action<RewardedFact> found, CancellationToken cancellationToken)
    {
        foreach (var (id, key) in _lines)
        {
            found(new RewardedFact(id, null, key, EpisodeFacts.NoAction, 1, false, false, null, null, null));
        }

        return Task.CompletedTask;
    }

    public Task<long> CountAsync(string agent, CancellationToken cancellationToken) => Task.FromResult((long)_lines.Count);

    public async Task<EpisodeContent?[]> ReadAsync(
        IReadOnlyList<string> ids,
        IReadOnlyList<RewardSource>? sources,
        bool corrections,
        CancellationToken cancellationToken
    )
    {
        var contents = new EpisodeContent?[ids.Count];
        for (var i = 0; i < ids.Count; i++)
        {
            var (start, length) = _places[ids[i]];
            var bytes = new byte[length];
            await RandomAccess.ReadAsync(_texts.SafeFileHandle, bytes, start, cancellationToken).ConfigureAwait(false);
            contents[i] = JsonSerializer.Deserialize<EpisodeContent>(bytes, LightningJson.Options);
        }

        return contents;
    }

    public ValueTask DisposeAsync() => _texts.DisposeAsync();

    private (EpisodeContent? Content, string? Why) Parse(string line, string id)
    {
        GoldenLine? golden;
        try
        {
            golden = JsonSerializer.Deserialize<GoldenLine>(line, LightningJson.Options);
        }
        catch (JsonException e)
        {
            return (null, $"It is no conversation: {LightningJson.Describe(e)}");
        }

        if (golden?.Messages is not { Count: > 1 } messages)
        {
            return (null, "It has no \"messages\", or fewer than two.");
        }

        if (messages[^1] is not { Role: "assistant", Weight: not 0 })
        {
            return (null, "Its last message must be an answer of role assistant to learn from.");
        }

        var texts = new List<EpisodeMessage>();
        foreach (var message in messages)
        {
            if (message.Role is not ("system" or "developer" or "user" or "assistant" or "tool" or "function"))
            {
                return (null, "A role must be system, user, assistant or tool, but one is another.");
            }

            if (!TryText(message.Content, out var text))
            {
                return (null, "A content has parts that are no text, which cannot be learned from here.");
            }

            var calls = message.ToolCalls?.Select(call => new MessageToolCall(
                call.Id,
                call.Function?.Name ?? call.Name ?? "",
                call.Function?.Arguments ?? call.Arguments
            ));
            texts.Add(new EpisodeMessage(message.Role, text, null, message.ToolCallId, calls?.ToList()));
        }

        return (Clean(texts, golden.Tools, id), null);
    }

    /// <summary>What a file says is redacted as what is captured.</summary>
    private EpisodeContent Clean(List<EpisodeMessage> messages, JsonElement? tools, string id)
    {
        var (episode, _) = EpisodeRedaction.Apply(
            redactor,
            new Episode
            {
                Id = id,
                AgentId = agentId,
                UserInput = "",
                AssistantOutput = tools is { ValueKind: JsonValueKind.Array } ? tools.Value.GetRawText() : "",
                CreatedAt = DateTimeOffset.UnixEpoch,
                RequestLatencyMs = 0,
                Messages = messages,
            }
        );
        return new EpisodeContent
        {
            Id = id,
            InputKey = InputKeys.Of([.. episode.Messages.SkipLast(1).Where(message => message.Role != "system").Select(m => m.Content)]),
            Input = Encoding.UTF8.GetBytes(episode.Messages.LastOrDefault(message => message.Role == "user")?.Content ?? ""),
            Output = [],
            Messages = JsonSerializer.SerializeToUtf8Bytes(episode.Messages, LightningJson.Options),
            Tools = episode.AssistantOutput.Length == 0 ? null : Encoding.UTF8.GetBytes(episode.AssistantOutput),
        };
    }

    /// <summary>A text, or the texts of parts one after another.</summary>
    private static bool TryText(JsonElement? content, out string? text)
    {
        text = null;
        switch (content?.ValueKind)
        {
            case null or JsonValueKind.Null or JsonValueKind.Undefined:
                return true;
            case JsonValueKind.String:
                text = content.Value.GetString();
                return true;
            case JsonValueKind.Array:
                var parts = content
                    .Value.EnumerateArray()
                    .Select(part =>
                        part.ValueKind == JsonValueKind.Object
                        && part.TryGetProperty("text", out var said)
                        && said.ValueKind == JsonValueKind.String
                            ? said.GetString()
                            : null
                    )
                    .ToList();
                text = string.Concat(parts);
                return parts.TrueForAll(part => part is not null);
            default:
                return false;
        }
    }

    private sealed record GoldenLine(List<GoldenMessage>? Messages, JsonElement? Tools);

    private sealed record GoldenMessage(
        string? Role,
        JsonElement? Content,
        double? Weight,
        string? ToolCallId,
        List<GoldenCall>? ToolCalls
    );

    private sealed record GoldenCall(string? Id, string? Name, string? Arguments, GoldenFunction? Function);

    private sealed record GoldenFunction(string? Name, string? Arguments);
}
