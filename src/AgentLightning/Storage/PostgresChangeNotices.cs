using AgentLightning.Common;
using Npgsql;

namespace AgentLightning.Storage;

/// <summary>Changes in a database that servers share: the server itself tells every connection that listens.</summary>
internal sealed class PostgresChangeNotices(PostgresDatabase database, TimeProvider time) : ChangeNotices(database)
{
    private const string Channel = "agent_lightning_changes";

    private static readonly TimeSpan s_untilAgain = TimeSpan.FromSeconds(1);

    /// <summary>How often it looks though nothing was told: a connection may be dead without anybody noticing.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);

    protected override async Task RaiseAsync(SqlSession session, string topic, string subject, CancellationToken cancellationToken)
    {
        await base.RaiseAsync(session, topic, subject, cancellationToken).ConfigureAwait(false);
        await session.ExecuteAsync($"NOTIFY {Channel}", cancellationToken).ConfigureAwait(false);
    }

    protected override async Task ListenAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var connection = await database.ConnectAsync(cancellationToken).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    var listen = new NpgsqlCommand($"LISTEN {Channel}", connection);
                    await using (listen.ConfigureAwait(false))
                    {
                        await listen.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                    }

                    // What came while nobody listened is seen by the first look.
                    while (true)
                    {
                        await CompareAsync(cancellationToken).ConfigureAwait(false);
                        await connection.WaitAsync(s_longest, cancellationToken).ConfigureAwait(false);
                    }
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is LightningException || PostgresErrors.IsOfTheServer(e))
            {
                await Task.Delay(s_untilAgain, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
