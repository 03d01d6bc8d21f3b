using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>Tells whether the store can be used now.</summary>
public sealed class StoreCheck
{
    private readonly SqlDatabase _database;

    internal StoreCheck(SqlDatabase database) => _database = database;

    /// <summary>Completes when the store answers and its schema is this program's; otherwise a <see cref="LightningException"/> says what is wrong.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var missing = await _database.MissingMigrationsAsync(cancellationToken).ConfigureAwait(false);
        if (missing.Count > 0)
        {
            throw LightningException.Conflict($"The store lacks the schema steps {string.Join(", ", missing.Select(version => version.ToString(CultureInfo.InvariantCulture)))}. Start a server on it once, which brings it up to date.");
        }
    }
}
