namespace AgentLightning.Server.Gateway;

/// <summary>
/// Bounds what retries add to the load of an upstream: each call pays in a part of an attempt, and an attempt beyond the first takes a
/// whole one. So an upstream that fails gets a little more than its usual load, and not three times as much.
/// </summary>
/// <remarks>Any thread may call.</remarks>
internal sealed class RetryBudget(int percent)
{
    private const int Attempt = 100;
    private const int First = 10 * Attempt;
    private const int Most = 100 * Attempt;
    private int _balance = percent == 0 ? 0 : First;

    public void Pay()
    {
        // Two at once may pay a little too much; it is bounded.
        if (Volatile.Read(ref _balance) < Most)
        {
            Interlocked.Add(ref _balance, percent);
        }
    }

    public bool TryTake()
    {
        if (Interlocked.Add(ref _balance, -Attempt) >= 0)
        {
            return true;
        }

        Interlocked.Add(ref _balance, Attempt);
        return false;
    }
}
