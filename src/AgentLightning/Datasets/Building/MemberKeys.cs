using System.Security.Cryptography;
using System.Text;

namespace AgentLightning.Datasets.Building;

/// <summary>What data sets are looked up by: 64 bits of SHA-256 of a word for what it is and of its id.</summary>
internal sealed class MemberKeys(int most)
{
    private readonly List<long> _episodes = new(most);
    private readonly List<long> _sessions = [];
    private readonly List<long> _users = [];
    private (string? Id, long Key) _session;
    private (string? Id, long Key) _user;

    /// <summary>The key of a data set, an episode, a session or a user.</summary>
    public static long Of(string what, string id)
    {
        Span<byte> text =
            id.Length <= 300 ? stackalloc byte[((what.Length + 1 + id.Length) * 3)] : new byte[(what.Length + 1 + id.Length) * 3];
        var length = Encoding.UTF8.GetBytes(what, text);
        text[length++] = (byte)'\n';
        length += Encoding.UTF8.GetBytes(id, text[length..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..length], hash);
        return BitConverter.ToInt64(hash);
    }

    /// <summary>Takes an episode in that is part of a row; once, however many rows it is part of.</summary>
    public void Add(EpisodeContent episode)
    {
        _episodes.Add(Of(DatasetMemberKind.Episode, episode.Id));
        Add(_sessions, DatasetMemberKind.Session, episode.Session, ref _session);
        Add(_users, DatasetMemberKind.User, episode.User, ref _user);
    }

    /// <param name="last">Episodes of one session mostly follow one another.</param>
    private static void Add(List<long> keys, DatasetMemberKind kind, string? id, ref (string? Id, long Key) last)
    {
        if (id is null)
        {
            return;
        }

        if (last.Id != id)
        {
            last = (id, Of(kind, id));
        }

        keys.Add(last.Key);
    }

    private static long Of(DatasetMemberKind kind, string id) => Of(Common.EnumText.Of(kind), id);

    /// <summary>Each with the number of its episodes, in the order of the keys.</summary>
    public IEnumerable<(long Key, int Episodes)> Sorted()
    {
        foreach (var keys in (List<long>[])[_episodes, _sessions, _users])
        {
            keys.Sort();
            for (var i = 0; i < keys.Count; )
            {
                var start = i;
                while (i < keys.Count && keys[i] == keys[start])
                {
                    i++;
                }

                yield return (keys[start], i - start);
            }
        }
    }
}
