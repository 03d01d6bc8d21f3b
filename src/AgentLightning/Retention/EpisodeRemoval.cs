using System.Globalization;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
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
public sealed class EpisodeRemoval(
    IEpisodeStore episodes,
    ITraceStore traces,
    IFeedbackStore feedback,
    DataUseLookup uses,
    EpisodeRecorder recorder,
    Redactor redactor,
    AuditTrail audit
)
{
    private const int Step = 500;

    /// <summary>
    /// Removes all that is selected, what waits to be written included, and returns how many episodes that were, and what was learned from
    /// them: the data sets that hold them are marked. The id of a user or a session is looked for as it was given to the capture. Where a
    /// user is all that is named, the comments that the user gave on others' episodes go too. Cancelled, it has removed whole steps, and
    /// begun again it goes on.
    /// </summary>
    /// <param name="actor">Who asks for it, where the flow of control does not say: the audit log keeps it.</param>
    /// <param name="progress">Is told the number removed so far, after each step.</param>
    public async Task<(long Removed, DataUse Use)> RemoveAsync(
        EpisodeSelection selection,
        RemovalScope scope,
        string actor,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        foreach (var id in selection.Ids ?? [])
        {
            Ids.Check(id, "id");
        }

        var stored = selection.AsStored(redactor);
        var held = new Holdings();
        var removed = 0L;
        // On a full disk what waits finds its place only when something was removed.
        var flushed = await TryFlushAsync(cancellationToken).ConfigureAwait(false);
        removed = await RemoveAsync(stored, scope, removed, held, progress, cancellationToken).ConfigureAwait(false);
        if (!flushed)
        {
            await recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
            removed = await RemoveAsync(stored, scope, removed, held, progress, cancellationToken).ConfigureAwait(false);
        }

        await FindEarlierAsync(stored, held, cancellationToken).ConfigureAwait(false);
        var use = await uses.FollowAsync(held.List(), stored.Agents, cancellationToken).ConfigureAwait(false);
        var comments = await RemoveCommentsAsync(stored, cancellationToken).ConfigureAwait(false);
        if (removed + comments > 0)
        {
            await audit
                .RecordAsync(
                    AuditAction.Deleted,
                    stored.Ids is [var only] ? only : "episodes",
                    stored.AgentId,
                    actor,
                    Detail(stored, scope, removed, comments, use)
                )
                .ConfigureAwait(false);
        }

        return (removed, use);
    }

    /// <summary>Data sets also hold what was deleted before, by its age for example.</summary>
    private async Task FindEarlierAsync(EpisodeSelection selection, Holdings held, CancellationToken cancellationToken)
    {
        if (selection is { UserId: { } user, SessionId: null, OlderThan: null, Ids: null })
        {
            held.AddKnown(await uses.FindAsync(DatasetMemberKind.User, user, AgentsOf(selection), cancellationToken).ConfigureAwait(false));
        }

        if (selection is { SessionId: { } session, UserId: null, OlderThan: null, Ids: null })
        {
            held.AddKnown(
                await uses.FindAsync(DatasetMemberKind.Session, session, AgentsOf(selection), cancellationToken).ConfigureAwait(false)
            );
        }
    }

    private static IReadOnlyList<string>? AgentsOf(EpisodeSelection selection) =>
        selection.AgentId is { } agent ? [agent] : selection.Agents;

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
        RemovalScope scope,
        long removed,
        Holdings held,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var chosen =
                scope == RemovalScope.Episode
                    ? await episodes.ChooseAsync(selection, Step, cancellationToken).ConfigureAwait(false)
                    : await episodes.WithPayloadAsync(selection, Step, cancellationToken).ConfigureAwait(false);
            if (chosen.Count == 0)
            {
                return removed;
            }

            // Before, so that who ends between the two begins again with the same episodes; and after, because a data set may have been
            // stored meanwhile. One that is stored later finds for itself what is gone.
            held.Add(await uses.EraseAsync(chosen, cancellationToken).ConfigureAwait(false));
            removed +=
                scope == RemovalScope.Episode
                    ? await episodes.DeleteAsync(selection with { Ids = chosen }, Step, cancellationToken).ConfigureAwait(false)
                    : await RemovePayloadsAsync(chosen, cancellationToken).ConfigureAwait(false);
            held.AddMissing(await uses.EraseAsync(chosen, cancellationToken).ConfigureAwait(false));
            progress?.Report(removed);
        }
    }

    /// <summary>The bodies of spans first: who ends between the two begins again with the same episodes.</summary>
    private async Task<int> RemovePayloadsAsync(IReadOnlyList<string> chosen, CancellationToken cancellationToken)
    {
        await traces.DeletePayloadsOfAsync(chosen, cancellationToken).ConfigureAwait(false);
        await episodes.RemovePayloadsAsync(new EpisodeSelection(Ids: chosen), Step, cancellationToken).ConfigureAwait(false);
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

    private static Dictionary<string, string> Detail(
        EpisodeSelection selection,
        RemovalScope scope,
        long removed,
        long comments,
        DataUse use
    )
    {
        var detail = new Dictionary<string, string>
        {
            ["scope"] = EnumText.Of(scope),
            ["removed"] = removed.ToString(CultureInfo.InvariantCulture),
        };
        Add("comments", comments == 0 ? null : comments.ToString(CultureInfo.InvariantCulture));
        Add("datasets", Names(use.DataSets.Select(dataset => dataset.DatasetId)));
        Add("training_runs", Names(use.TrainingRuns.Select(run => run.TrainingRunId)));
        Add("releases", Names(use.Releases.Select(release => release.DeploymentId)));
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

        static string? Names(IEnumerable<string> ids) => string.Join(' ', ids) is { Length: > 0 } names ? names : null;
    }

    /// <summary>The data sets that hold what is removed, with how many of it.</summary>
    private sealed class Holdings
    {
        private readonly Dictionary<string, DatasetHolding> _all = new(StringComparer.Ordinal);

        public void Add(IReadOnlyList<DatasetHolding> found)
        {
            foreach (var holding in found)
            {
                var before = _all.TryGetValue(holding.Dataset.Id, out var known) ? known.Episodes : 0;
                _all[holding.Dataset.Id] = holding with { Episodes = before + holding.Episodes };
            }
        }

        public void AddMissing(IReadOnlyList<DatasetHolding> found) =>
            Add([.. found.Where(holding => !_all.ContainsKey(holding.Dataset.Id))]);

        /// <summary>Those that are not among them yet, and the number of those that are.</summary>
        public void AddKnown(IReadOnlyList<DatasetHolding> found)
        {
            foreach (var holding in found)
            {
                _all[holding.Dataset.Id] = holding;
            }
        }

        public IReadOnlyList<DatasetHolding> List() =>
            [.. _all.Values.OrderBy(holding => holding.Dataset.CreatedAt).ThenBy(holding => holding.Dataset.Id, StringComparer.Ordinal)];
    }
}
