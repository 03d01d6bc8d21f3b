using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using AgentLightning.Client.Telemetry;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;

namespace AgentLightning.Client.Export;

/// <summary>Records and spans that are sent together; used again for the next.</summary>
internal sealed class Batch(Redactor redactor, LightningClientOptions options, OtlpSpans spans)
{
    /// <summary>Bytes of a record that a server surely takes.</summary>
    private const int LargestRecord = 6 * 1024 * 1024;

    private static readonly JsonSerializerOptions s_json = Sparse();
    private readonly ArrayBufferWriter<byte> _lines = new(16 * 1024);

    public Redactor Redactor => redactor;

    public LightningClientOptions Options => options;

    public OtlpSpans Spans => spans;

    public List<TaskCompletionSource> Marks { get; } = [];

    public int Records { get; private set; }

    public int Count => Records + spans.Count;

    public bool IsFull => Count >= options.BatchRecords || _lines.WrittenCount + spans.Bytes >= options.BatchBytes;

    /// <summary>Adds an episode, redacted. One that is too large goes without its messages.</summary>
    /// <exception cref="LightningException">It cannot be redacted, or is too large even so.</exception>
    public void Add(Episode episode)
    {
        var redacted = TextLimits.Cut(EpisodeRedaction.Apply(redactor, TextLimits.Bound(episode)).Episode, options.MaxOutputLength);
        var json = JsonSerializer.SerializeToUtf8Bytes(redacted, s_json);
        if (json.Length > LargestRecord)
        {
            json = JsonSerializer.SerializeToUtf8Bytes(redacted with { Messages = [], Tokens = null }, s_json);
        }

        AddLine("""{"type":"episode","""u8, json);
    }

    /// <summary>Adds a reward, redacted.</summary>
    public void Add(CapturedReward reward)
    {
        redactor.CheckName(reward.EpisodeId, "episode_id", options.AgentId);
        redactor.CheckName(reward.RewardId, "reward_id", options.AgentId);
        redactor.CheckName(reward.Evaluator, "evaluator", options.AgentId);
        var texts = new RecordTexts();
        var (feedback, correction, rubric) = (texts.Add(reward.Feedback), texts.Add(reward.Correction), texts.Add(reward.Rubric));
        var redacted = texts.Redact(redactor, options.AgentId);
        reward = reward with { Feedback = redacted[feedback], Correction = redacted[correction], Rubric = redacted[rubric] };
        AddLine("""{"type":"reward","""u8, JsonSerializer.SerializeToUtf8Bytes(reward, s_json));
    }

    /// <summary>What there is to send. The bytes are good until <see cref="Clear"/>.</summary>
    public IEnumerable<Payload> Payloads()
    {
        if (Records > 0)
        {
            yield return new Payload(PayloadKind.Records, _lines.WrittenMemory, Records);
        }

        if (spans.Count > 0)
        {
            yield return new Payload(PayloadKind.Spans, spans.Finish(), spans.Count);
        }
    }

    public void Clear()
    {
        _lines.ResetWrittenCount();
        spans.Clear();
        Records = 0;
        Marks.Clear();
    }

    private void AddLine(ReadOnlySpan<byte> beginning, ReadOnlySpan<byte> json)
    {
        if (json.Length > LargestRecord)
        {
            throw LightningException.Invalid($"A record must be at most {LargestRecord} bytes, but it has {json.Length}.");
        }

        // The opening brace of the record gives way to one with the type behind it.
        _lines.Write(beginning);
        _lines.Write(json[1..]);
        _lines.Write("\n"u8);
        Records++;
    }

    private static JsonSerializerOptions Sparse()
    {
        var options = new JsonSerializerOptions(LightningJson.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
