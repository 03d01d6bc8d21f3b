using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AgentLightning.Traces.Otlp;

/// <summary>Who sent spans: the resource and the instrumentation scope.</summary>
internal sealed class Sender
{
    public string Service { get; set; } = "";

    /// <summary>The agent that the resource names, before <see cref="Service"/>.</summary>
    public string? Agent { get; set; }

    public string? Session { get; set; }

    public string? User { get; set; }

    public string Scope { get; set; } = "";

    /// <summary>JSON of the resource's attributes, and of the scope; as they came.</summary>
    public string ResourceJson { get; set; } = "{}";

    public string ScopeJson { get; set; } = "{}";

    public Sender ForScope() =>
        new()
        {
            Service = Service,
            Agent = Agent,
            Session = Session,
            User = User,
            ResourceJson = ResourceJson,
        };
}

/// <summary>One span on its way from the wire to a record: as it came, not yet redacted.</summary>
internal sealed class SpanDraft(Sender sender, SpanForm form)
{
    private int _agentRank = int.MaxValue;

    public Sender Sender => sender;

    public SpanForm Form => form;

    public string? TraceId { get; set; }

    public string? SpanId { get; set; }

    public string? ParentId { get; set; }

    public string Name { get; set; } = "";

    public int Kind { get; set; }

    public ulong Start { get; set; }

    public ulong End { get; set; }

    public ulong Status { get; set; }

    public SpanMarks Marks { get; set; }

    /// <summary>The agent that the span itself names, as a name may be written.</summary>
    public string? Agent { get; private set; }

    /// <summary>
    /// The same where nothing else can say otherwise: <c>agentlightning.agent_id</c> of the span, then of the resource, then what the span
    /// calls its agent.
    /// </summary>
    public string? OwnAgent => _agentRank == (int)KnownAttribute.LightningAgent ? Agent : sender.Agent ?? Agent;

    public string? Session { get; private set; }

    public string? User { get; private set; }

    /// <summary>The answer that it is of.</summary>
    public string? Response { get; private set; }

    /// <summary>Whether it says itself what it is; nobody has to guess then.</summary>
    public bool NamesOperation { get; private set; }

    /// <summary>Where its JSON lies in the batch.</summary>
    public int BodyStart { get; set; }

    public int BodyLength { get; set; }

    /// <summary>Takes note of an attribute whose value matters here.</summary>
    public void Note(KnownAttribute attribute, string value)
    {
        switch (attribute)
        {
            case >= KnownAttribute.LightningAgent and <= KnownAttribute.FrameworkAgent when value.Length > 0 && (int)attribute < _agentRank:
                (_agentRank, Agent) = ((int)attribute, value);
                Marks |= SpanMarks.Agent;
                break;
            case KnownAttribute.Session when value.Length > 0:
                Session ??= value;
                break;
            case KnownAttribute.User when value.Length > 0:
                User ??= value;
                break;
            case KnownAttribute.Operation:
                NamesOperation = true;
                Marks |= value switch
                {
                    "chat" or "text_completion" or "generate_content" or "chat.completions" or "text.completions" => SpanMarks.Inference,
                    "execute_tool" => SpanMarks.Tool,
                    _ => SpanMarks.None,
                };
                break;
            case KnownAttribute.OpenInferenceKind:
                NamesOperation = true;
                Marks |= value.ToUpperInvariant() switch
                {
                    "LLM" => SpanMarks.Inference,
                    "TOOL" => SpanMarks.Tool,
                    _ => SpanMarks.None,
                };
                break;
            case KnownAttribute.EventName when Name.Length == 0:
                Name = value;
                break;
            case KnownAttribute.Response when value.Length > 0:
                Response = value;
                break;
        }
    }

    /// <summary>
    /// A score that names the answer it is of needs no span: by itself it is a trace, the same when it is sent again. Time is in it because
    /// a trace is not read long after it began.
    /// </summary>
    public void Place()
    {
        if (Form != SpanForm.Log || !Marks.HasFlag(SpanMarks.Score) || Response is null || SpanId is not null)
        {
            return;
        }

        var ids = Convert.ToHexStringLower(
            SHA256.HashData(Encoding.UTF8.GetBytes($"score\n{OwnAgent ?? Sender.Service}\n{Response}\n{Start}"))
        );
        (TraceId, SpanId) = (TraceId ?? ids[..32], ids[32..48]);
        ParentId = SpanId;
    }

    /// <summary>Why the span cannot be kept; null when it can.</summary>
    public string? Refusal() =>
        TraceId is null
            ? form == SpanForm.Log
                ? "a GenAI log record without a trace id belongs to no span"
                : "trace_id must be 16 bytes, not all zero"
            : SpanId is null
                ? form == SpanForm.Log
                    ? "a GenAI log record without a span id belongs to no span"
                    : "span_id must be 8 bytes, not all zero"
                : null;

    /// <summary>A time as it is stored; one that no clock shows is none.</summary>
    public static long Nanos(ulong time) => time > long.MaxValue ? 0 : (long)time;

    /// <summary>Bytes of an id as hexadecimal digits; null when they are none.</summary>
    public static string? Hex(ReadOnlySpan<byte> id, int length) =>
        id.Length == length && id.ContainsAnyExcept((byte)0) ? Convert.ToHexStringLower(id) : null;

    /// <summary>An agent id of a name that may hold blanks: they become '-'.</summary>
    public static string AgentOf(string name)
    {
        var id = new StringBuilder(Math.Min(name.Length, 200));
        foreach (var c in name.AsSpan().Trim())
        {
            if (id.Length == 200)
            {
                break;
            }

            id.Append(char.IsWhiteSpace(c) || char.IsControl(c) || char.IsSurrogate(c) ? '-' : c);
        }

        return id.ToString();
    }

    /// <summary>A number in the words of JSON.</summary>
    public static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
