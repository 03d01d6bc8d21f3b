using AgentLightning.Common;
using AgentLightning.Governance;
using AgentLightning.Storage;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Audit;

/// <summary>
/// Writes down what was done. The deed stands when its entry cannot be written: that is logged as an error and counted, since a caller who
/// is told of a failure would do it again.
/// </summary>
/// <remarks>Any thread may call.</remarks>
public sealed partial class AuditTrail(IAuditLog log, Redactor redactor, TimeProvider time, ILogger<AuditTrail> logger)
{
    private long _lost;

    /// <summary>Entries that could not be written.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Writes an entry, after the deed. Secrets and personal data are taken out of its texts.</summary>
    /// <param name="subject">What it was done to; at most 500 characters are kept.</param>
    /// <param name="agentId">Whose records it was about, if one agent's.</param>
    /// <param name="actor">Who did it: the actor of the scope that asked.</param>
    public Task RecordAsync(
        AuditAction action,
        string subject,
        string? agentId,
        string actor,
        IReadOnlyDictionary<string, string>? detail = null,
        AuditOutcome outcome = AuditOutcome.Succeeded
    ) => RecordAsync([NewEntry(action, subject, agentId, actor, detail, outcome)]);

    /// <summary>Makes an entry that is written later, in a group.</summary>
    public AuditEntry NewEntry(
        AuditAction action,
        string subject,
        string? agentId,
        string actor,
        IReadOnlyDictionary<string, string>? detail,
        AuditOutcome outcome
    )
    {
        var now = time.GetUtcNow().Rounded();
        return new AuditEntry(
            Ids.New(now),
            now,
            agentId,
            Clean(actor, agentId),
            action,
            Clean(subject, agentId),
            outcome,
            detail?.ToDictionary(pair => pair.Key, pair => Clean(pair.Value, agentId))
        );
    }

    /// <summary>Writes a group of entries.</summary>
    public async Task RecordAsync(IReadOnlyList<AuditEntry> entries)
    {
        try
        {
            // The deed is done; a caller who goes away does not undo it.
            await log.AppendAsync(entries, CancellationToken.None).ConfigureAwait(false);
        }
        catch (LightningException e)
        {
            Interlocked.Add(ref _lost, entries.Count);
            LogLost(logger, entries.Count, redactor.Redact(e.Message));
        }
    }

    private string Clean(string text, string? agentId)
    {
        const int Longest = 500;
        var clean = redactor.Redact(text.Replace('\0', ' '), agentId);
        return clean.Length <= Longest ? clean : clean[..Longest];
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} audit entries could not be written: {Reason}")]
    private static partial void LogLost(ILogger logger, int count, string reason);
}
