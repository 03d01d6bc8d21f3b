using System.Globalization;
using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Feedback;
using AgentLightning.Governance;
using AgentLightning.Traces;

namespace AgentLightning.Retention;

/// <summary>What of an episode is taken away.</summary>
public enum RemovalScope
{
    /// <summary>The episode with everything that refers to it.</summary>
    Episode,

    /// <summary>Texts, messages, tool calls, tokens and metadata, and the bodies of the spans; facts and rewards stay.</summary>
    Payload,
}

/// <summary>
/// Takes episodes away, any number of them, in steps that each are one short transaction: others write meanwhile, and memory does not grow.
/// </summary>
public sealed class DeleteEpisodes(
    IEpisodeStore episodes,
    ITraceStore traces,
    IFeedbackStore feedback,
    EpisodeRecorder recorder,
    Redactor redactor,
    AuditTrail audit
) : IOperation
{
    private const int Step = 500;

    /// <summary>
    /// Removes all that is selected, what waits to be written included, and returns how many episodes that were. The id of a user or a
    /// session is looked for as it was given to the capture. Where a user is all that is named, the comments that the user gave on others'
    /// episodes go too. Cancelled, it has removed whole steps, and begun again it goes on. Asks for the role admin; what belongs to agents
    /// that the scope is not for is as if it were not there.
    /// </summary>
    /// <param name="progress">Is told the number removed so far, after each step.</param>
    public async Task<long> ExecuteAsync(
        Scope scope,
        EpisodeSelection selection,
        RemovalScope what,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Admin);
        scope.Named(selection.AgentId);
        foreach (var id in selection.Ids ?? [])
        {
            Ids.Check(id, "id");
        }

        var stored = selection.AsStored(redactor) with { Agents = scope.Agents };
        var removed = 0L;
        // On a full disk what waits finds its place only when something was removed.
        var flushed = await TryFlushAsync(cancellationToken).ConfigureAwait(false);
        removed = await RemoveAsync(stored, what, removed, progress, cancellationToken).ConfigureAwait(false);
        if (!flushed)
        {
            await recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
            removed = await RemoveAsync(stored, what, removed, progress, cancellationToken).ConfigureAwait(false);
        }

        var comments = await RemoveCommentsAsync(stored, cancellationToken).ConfigureAwait(false);
        if (removed + comments > 0)
        {
            await audit
                .RecordAsync(
                    AuditAction.Deleted,
                    stored.Ids is [var only] ? only : "episodes",
                    stored.AgentId,
                    scope.Actor,
                    Detail(stored, what, removed, comments)
                )
                .ConfigureAwait(false);
        }

        return removed;
    }

    private async Task<bool> TryFlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (LightningException e) when (e.Kind == ErrorKind.Unavailable)
        {
            return false;
        }
    }

    /// <summary>Step by step until nothing that is selected is left; gives how many were removed, those before included.</summary>
    private async Task<long> RemoveAsync(
        EpisodeSelection selection,
        RemovalScope what,
        long removed,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var step =
                what == RemovalScope.Episode
                    ? await episodes.DeleteAsync(selection, Step, cancellationToken).ConfigureAwait(false)
                    : await RemovePayloadsAsync(selection, cancellationToken).ConfigureAwait(false);
            if (step == 0)
            {
                return removed;
            }

            removed += step;
            progress?.Report(removed);
        }
    }

    /// <summary>The bodies of spans first: who ends between the two begins again with the same episodes.</summary>
    private async Task<int> RemovePayloadsAsync(EpisodeSelection selection, CancellationToken cancellationToken)
    {
        var chosen = await episodes.WithPayloadAsync(selection, Step, cancellationToken).ConfigureAwait(false);
        if (chosen.Count > 0)
        {
            await traces.DeletePayloadsOfAsync(chosen, cancellationToken).ConfigureAwait(false);
            await episodes.RemovePayloadsAsync(new EpisodeSelection(Ids: chosen), Step, cancellationToken).ConfigureAwait(false);
        }

        return chosen.Count;
    }

    /// <summary>Those of a user, where a user is all that is named; gives how many.</summary>
    private async Task<long> RemoveCommentsAsync(EpisodeSelection selection, CancellationToken cancellationToken)
    {
        if (selection is not { UserId: { } user, SessionId: null, OlderThan: null, Ids: null })
        {
            return 0;
        }

        for (var removed = 0L; ; )
        {
            var step = await feedback
                .RemoveCommentsAsync(user, selection.AgentId, selection.Agents, Step, cancellationToken)
                .ConfigureAwait(false);
            if (step == 0)
            {
                return removed;
            }

            removed += step;
        }
    }

    private static Dictionary<string, string> Detail(EpisodeSelection selection, RemovalScope what, long removed, long comments)
    {
        var detail = new Dictionary<string, string>
        {
            ["scope"] = EnumText.Of(what),
            ["removed"] = removed.ToString(CultureInfo.InvariantCulture),
        };
        Add("comments", comments == 0 ? null : comments.ToString(CultureInfo.InvariantCulture));
        Add("session_id", selection.SessionId);
        Add("user_id", selection.UserId);
        Add("older_than", selection.OlderThan?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
        return detail;

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                detail[name] = value;
            }
        }
    }
}
