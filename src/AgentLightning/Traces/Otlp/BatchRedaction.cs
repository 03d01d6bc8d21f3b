using System.Security.Cryptography;
using System.Text;
using AgentLightning.Common;
using AgentLightning.Governance;

namespace AgentLightning.Traces.Otlp;

/// <summary>
/// Makes records of what a request brought: says whose each span is, takes secrets and personal data out of all of it, and refuses what may
/// not be written.
/// </summary>
internal sealed class BatchRedaction(OtlpBatch batch, Redactor redactor, TraceOptions options, DateTimeOffset now)
{
    private readonly Dictionary<string, string> _agents = new(StringComparer.Ordinal);
    private readonly Dictionary<(string, string), string> _identifiers = [];
    private readonly Dictionary<(Sender, string), byte[]> _ends = [];

    /// <summary>
    /// The spans that a sender who may write the agents for which <paramref name="mayWrite"/> is true brings; the others are added to the
    /// refused of the batch.
    /// </summary>
    public List<(SpanDraft Draft, string Agent)> Allowed(Func<string, bool>? mayWrite)
    {
        var byTrace = AgentsByTrace();
        var allowed = new List<(SpanDraft, string)>(batch.Spans.Count);
        foreach (var span in batch.Spans)
        {
            try
            {
                var agent = AgentOf(span.OwnAgent ?? byTrace.GetValueOrDefault(span.TraceId!) ?? span.Sender.Service);
                if (mayWrite?.Invoke(agent) != false)
                {
                    span.Marks |= mayWrite is null && span.Marks.HasFlag(SpanMarks.Score) ? SpanMarks.EveryAgent : SpanMarks.None;
                    allowed.Add((span, agent));
                }
                else
                {
                    batch.Refused.Add((span.Sender, "the key does not let its holder write for this agent"));
                }
            }
            catch (LightningException)
            {
                batch.Refused.Add((span.Sender, "the agent's name holds what looks like a secret"));
            }
        }

        return allowed;
    }

    public SpanRecord RecordOf(SpanDraft span, string agent)
    {
        var (body, name) = Redacted(span, agent);
        return new SpanRecord
        {
            TraceId = span.TraceId!,
            SpanId = span.Form == SpanForm.Span ? span.SpanId! : LogId(span, name, body),
            ParentId = span.ParentId,
            Form = span.Form,
            Name = name.Replace('\0', '\ufffd'),
            AgentId = agent,
            SessionId = Identifier(span.Session ?? span.Sender.Session, agent),
            UserId = Identifier(span.User ?? span.Sender.User, agent),
            Status = span.Status switch
            {
                1 => SpanStatus.Ok,
                2 => SpanStatus.Error,
                _ => SpanStatus.Unset,
            },
            Marks = span.Marks,
            StartNanos = SpanDraft.Nanos(span.Start),
            EndNanos = SpanDraft.Nanos(span.End),
            ReceivedAt = now,
            Body = body,
        };
    }

    /// <summary>A name as a count may be stored under.</summary>
    public static string NameOf(string name, Redactor redactor)
    {
        var text = redactor.Redact(name).Replace('\0', '\ufffd');
        return text.Length <= 200 ? text : text[..200];
    }

    /// <summary>What the spans of a trace say whose they are, for those that say nothing: the root before the others.</summary>
    private Dictionary<string, string> AgentsByTrace()
    {
        var agents = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var span in batch.Spans)
        {
            if (span.OwnAgent is { } agent && (span.ParentId is null || !agents.ContainsKey(span.TraceId!)))
            {
                agents[span.TraceId!] = agent;
            }
        }

        return agents;
    }

    private string AgentOf(string name)
    {
        if (!_agents.TryGetValue(name, out var agent))
        {
            agent = redactor.CheckName(SpanDraft.AgentOf(name), "agent_id")!;
            _agents[name] = agent = agent.Length == 0 ? options.DefaultAgent : agent;
        }

        return agent;
    }

    private string? Identifier(string? id, string agent)
    {
        if (id is null)
        {
            return null;
        }

        if (!_identifiers.TryGetValue((id, agent), out var stored))
        {
            _identifiers[(id, agent)] = stored = redactor.Identifier(id, agent)!.Replace('\0', '\ufffd');
        }

        return stored;
    }

    private (byte[] Body, string Name) Redacted(SpanDraft span, string agent)
    {
        var raw = batch.BodyOf(span);
        var name = span.Name;
        // No store keeps U+0000 in a text, and an episode is made of these texts: also of those that are JSON in a text.
        if (!redactor.IsClean(raw, name, agent) || raw.IndexOf("\\u0000"u8) >= 0)
        {
            var texts = redactor.RedactRecord([Encoding.UTF8.GetString(raw), name], agent).Texts;
            raw = Encoding.UTF8.GetBytes(texts[0]!.Replace("\\u0000", "\\ufffd", StringComparison.Ordinal));
            name = texts[1]!;
        }

        // Without the closing brace, which is in the end.
        var end = EndOf(span.Sender, agent);
        var body = new byte[raw.Length - 1 + end.Length];
        raw[..^1].CopyTo(body);
        end.CopyTo(body.AsSpan(raw.Length - 1));
        return (body, name);
    }

    /// <summary>Resource and scope, which the spans of one sender have alike and which are redacted once.</summary>
    private byte[] EndOf(Sender sender, string agent)
    {
        if (!_ends.TryGetValue((sender, agent), out var end))
        {
            var texts = redactor.RedactRecord([sender.ResourceJson, sender.ScopeJson], agent).Texts;
            _ends[(sender, agent)] = end = Encoding.UTF8.GetBytes($",\"resource\":{texts[0]},\"scope\":{texts[1]}}}");
        }

        return end;
    }

    private static string LogId(SpanDraft log, string name, byte[] body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{log.SpanId}\n{name}\n{log.Start}\n"));
        hash.AppendData(body);
        return $"log-{Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 12))}";
    }
}
