using AgentLightning.Traces.Otlp;

namespace AgentLightning.Traces;

/// <summary>What is counted of what was received. Stored words; only ever add.</summary>
public static class TraceCounts
{
    /// <summary>Spans that were taken in; repeated ones are counted here too.</summary>
    public const string Spans = "spans";

    /// <summary>Log records that were taken in.</summary>
    public const string Logs = "logs";

    /// <summary>Log records that have nothing to do with agents, and were not kept.</summary>
    public const string IgnoredLogs = "ignored_logs";

    /// <summary>Spans and log records that came before with the same content.</summary>
    public const string Duplicates = "duplicates";

    /// <summary>Spans whose id came before with other content; the first stays.</summary>
    public const string Conflicts = "conflicts";

    /// <summary>Spans with names of GenAI, OpenInference, Agent Lightning or a framework that is known.</summary>
    public const string Known = "genai_spans";

    /// <summary>Calls of models.</summary>
    public const string Inference = "inference_spans";

    /// <summary>Calls of models without messages.</summary>
    public const string NoContent = "inference_without_content";

    /// <summary>Calls of models that name no model.</summary>
    public const string NoModel = "inference_without_model";

    /// <summary>Calls of models without counts of tokens.</summary>
    public const string NoUsage = "inference_without_usage";

    /// <summary>Calls of models that name no session.</summary>
    public const string NoSession = "inference_without_session";

    /// <summary>Begins the words for spans whose texts were read in a dialect; its name follows.</summary>
    public const string Dialect = "dialect: ";

    /// <summary>
    /// Begins the words for spans whose texts nobody reads, where the episode lacks them; the name of the attribute that holds one follows.
    /// </summary>
    public const string NotRead = "not_read: ";

    /// <summary>Begins the words for what was refused; why follows.</summary>
    public const string Rejected = "rejected: ";

    /// <summary>Senders that are told apart; what others send is counted as <see cref="Others"/>. Names come from outside.</summary>
    internal const int MostSenders = 1_000;

    /// <summary>Attributes that nobody reads and that are told; the next ones are not.</summary>
    internal const int MostUnread = 500;

    internal const string Others = "(others)";

    /// <summary>The counts of a request.</summary>
    internal static List<TraceCount> Of(IEnumerable<(string Service, string Scope, string What, long Count)> seen, DateTimeOffset now) =>
        [
            .. seen.GroupBy(one => (one.Service, one.Scope, one.What))
                .Select(group => new TraceCount(group.Key.Service, group.Key.Scope, group.Key.What, group.Sum(one => one.Count), now, now)),
        ];

    /// <summary>What one span adds to the counts of its sender.</summary>
    internal static IEnumerable<string> Of(SpanDraft span)
    {
        yield return span.Form == SpanForm.Log ? Logs : Spans;
        if (span.Form == SpanForm.Log)
        {
            yield break;
        }

        if ((span.Marks & (SpanMarks.GenAi | SpanMarks.OpenInference | SpanMarks.Lightning | SpanMarks.Framework)) != 0)
        {
            yield return Known;
        }

        foreach (var what in OfCall(span.Marks, span.Marks.HasFlag(SpanMarks.Session) || span.Sender.Session is not null))
        {
            yield return what;
        }
    }

    /// <summary>
    /// What the marks of a span say that its call of a model lacks. They are made before the trace is whole:
    /// <see cref="Reading.ReadingFindings"/> puts right what other spans and log records tell.
    /// </summary>
    internal static IEnumerable<string> OfCall(SpanMarks marks, bool hasSession)
    {
        if (!marks.HasFlag(SpanMarks.Inference))
        {
            yield break;
        }

        yield return Inference;
        foreach (var (mark, what) in new[] { (SpanMarks.Content, NoContent), (SpanMarks.Model, NoModel), (SpanMarks.Usage, NoUsage) })
        {
            if (!marks.HasFlag(mark))
            {
                yield return what;
            }
        }

        if (!hasSession)
        {
            yield return NoSession;
        }
    }
}
