using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Monitoring;

/// <summary>Tells agents that there are from names that were misspelt, which otherwise would look like agents without any work.</summary>
public sealed class AgentDirectory(IRewardTotals totals)
{
    private const int MostNear = 3;

    /// <summary>
    /// Whether there are figures of the agent. One that the scope is for by name may have none yet, and is known all the same.
    /// </summary>
    internal async Task<bool> IsKnownAsync(Scope scope, string agentId, CancellationToken cancellationToken) =>
        scope.Agents is not null
        || (await totals.AgentsAsync(cancellationToken).ConfigureAwait(false)).Contains(agentId, StringComparer.Ordinal);

    /// <summary>Refuses a name that is no agent's with <see cref="ErrorKind.NotFound"/>; null is all agents.</summary>
    internal async Task CheckAsync(Scope scope, string? agentId, CancellationToken cancellationToken)
    {
        if (agentId is not null && !await IsKnownAsync(scope, agentId, cancellationToken).ConfigureAwait(false))
        {
            throw await UnknownAsync(scope, agentId, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What is said of a name that is no agent's, with those that were perhaps meant.</summary>
    internal async Task<LightningException> UnknownAsync(Scope scope, string agentId, CancellationToken cancellationToken)
    {
        var known = (await totals.AgentsAsync(cancellationToken).ConfigureAwait(false)).Where(scope.Allows).ToList();
        var near = known
            .Select(name => (Name: name, Distance: Distance(name.ToUpperInvariant(), agentId.ToUpperInvariant())))
            .Where(one =>
                one.Distance <= Math.Max(1, Math.Max(one.Name.Length, agentId.Length) / 3)
                || one.Name.Contains(agentId, StringComparison.OrdinalIgnoreCase)
                || agentId.Contains(one.Name, StringComparison.OrdinalIgnoreCase)
            )
            .OrderBy(one => one.Distance)
            .ThenBy(one => one.Name, StringComparer.Ordinal)
            .Take(MostNear)
            .Select(one => one.Name)
            .ToList();
        var name = agentId.Length > 100 ? agentId[..100] + "…" : agentId;
        return LightningException.NotFound(
            $"There is no agent '{name}'."
                + (
                    near.Count > 0 ? $" Did you mean {string.Join(" or ", near)}?"
                    : known.Count > 0 ? $" There are {string.Join(", ", known.Take(MostNear))}{(known.Count > MostNear ? ", …" : "")}."
                    : " There is none yet: an agent is there with its first episode."
                )
        );
    }

    /// <summary>How many characters differ, by Levenshtein.</summary>
    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > Ids.LongestName)
        {
            return int.MaxValue;
        }

        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var (diagonal, above) = (row[0], 0);
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                above = row[j];
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
