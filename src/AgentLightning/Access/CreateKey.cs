using System.Globalization;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Access;

/// <summary>What is asked for when a key is made.</summary>
/// <param name="Name">Who or what will use it, 1 to 100 characters.</param>
/// <param name="Agents">The agents it is for; null for all of them.</param>
/// <param name="ExpiresAfter">1 hour to 10 years; null for never.</param>
public sealed record ApiKeyRequest(string Name, Role Role, IReadOnlyList<string>? Agents = null, TimeSpan? ExpiresAfter = null)
{
    /// <summary>Days as a span of time; those that no span of time can hold are <see cref="ErrorKind.Invalid"/>.</summary>
    /// <param name="name">What the caller calls them.</param>
    public static TimeSpan? AfterDays(double? days, string name) =>
        days is null ? null
        : double.IsFinite(days.Value) && Math.Abs(days.Value) < 1_000_000 ? TimeSpan.FromDays(days.Value)
        : throw LightningException.Invalid(
            string.Create(CultureInfo.InvariantCulture, $"{name} must be from an hour to 3650 days, but it is {days.Value}.")
        );
}

/// <summary>Makes a key. That is in the audit log.</summary>
public sealed class CreateKey(IApiKeyStore keys, AuditTrail audit, Redactor redactor, TimeProvider time) : IOperation
{
    private const int MostAgents = 100;

    /// <summary>
    /// Makes a key. Its text is in the answer and nowhere else. Asks for the role admin for all agents. A wrong part is
    /// <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    public async Task<NewApiKey> ExecuteAsync(Scope scope, ApiKeyRequest request, CancellationToken cancellationToken)
    {
        scope.RequireAllAgents(Role.Admin);
        var (id, text) = ApiKeyText.New();
        var now = time.GetUtcNow().Rounded();
        var key = new ApiKey(
            id,
            CheckName(request.Name),
            request.Role,
            CheckAgents(request.Agents),
            now,
            now + CheckExpiry(request.ExpiresAfter)
        );
        await keys.AddAsync(new StoredApiKey(key, ApiKeyText.Hash(text)), cancellationToken).ConfigureAwait(false);
        await audit
            .RecordAsync(
                AuditAction.KeyCreated,
                key.Id,
                key.Agents is [var only] ? only : null,
                scope.Actor,
                new Dictionary<string, string>
                {
                    ["name"] = key.Name,
                    ["role"] = EnumText.Of(key.Role),
                    ["agents"] = key.Agents is null ? "all" : string.Join(' ', key.Agents),
                }
            )
            .ConfigureAwait(false);
        return new NewApiKey(key, text);
    }

    private string CheckName(string name)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > 100 || name.Any(char.IsControl))
        {
            throw LightningException.Invalid(
                $"The name of a key must be 1 to 100 characters, but it has {name?.Length ?? 0}, or is blank. Say who or what will use "
                    + $"the key."
            );
        }

        return redactor.CheckName(name, "name")!;
    }

    private string[]? CheckAgents(IReadOnlyList<string>? agents)
    {
        if (agents is { Count: 0 or > MostAgents })
        {
            throw LightningException.Invalid(
                $"A key is for 1 to {MostAgents} agents, or without a list for all of them, but the list has {agents.Count}."
            );
        }

        return agents is null
            ? null
            : [.. agents.Select(agent => redactor.CheckName(Ids.Check(agent, "agent"), "agent")!).Distinct(StringComparer.Ordinal)];
    }

    private static TimeSpan? CheckExpiry(TimeSpan? after) =>
        after is null || (after >= TimeSpan.FromHours(1) && after <= TimeSpan.FromDays(3_650))
            ? after
            : throw LightningException.Invalid(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"A key must expire after 1 hour to 3650 days, or never, but after {after.Value.TotalDays:0.###} days was asked for."
                )
            );
}
