using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace AgentLightning.Datasets.Building;

/// <summary>What data sets are looked up by: 64 bits of SHA-256 of a word for what it is and of its id.</summary>
internal sealed class MemberKeys(int most)
{
    private readonly List<long> _episodes = new(most);
    private readonly List<long> _sessions = [];
    private readonly List<int> _inSession = [];
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
        if (episode.Session is { } session && session == _session.Id)
        {
            // Those of a conversation mostly follow one another.
            _inSession[^1]++;
        }
        else if (Add(_sessions, DatasetMemberKind.Session, episode.Session, ref _session))
        {
            _inSession.Add(1);
        }

        Add(_users, DatasetMemberKind.User, episode.User, ref _user);
    }

    /// <param name="last">Episodes of one session mostly follow one another.</param>
    private static bool Add(List<long> keys, DatasetMemberKind kind, string? id, ref (string? Id, long Key) last)
    {
        if (id is null)
        {
            return false;
        }

        if (last.Id != id)
        {
            last = (id, Of(kind, id));
        }

        keys.Add(last.Key);
        return true;
    }

    private static long Of(DatasetMemberKind kind, string id) => Of(Common.EnumText.Of(kind), id);

    /// <summary>Each with the number of its episodes, in the order of the keys of its kind.</summary>
    public IEnumerable<(long Key, int Episodes)> Sorted() =>
        Sorted(_episodes, null).Concat(Sorted(_sessions, _inSession)).Concat(Sorted(_users, null));

    /// <param name="counts">Null for one each.</param>
    private static IEnumerable<(long Key, int Episodes)> Sorted(List<long> keys, List<int>? counts)
    {
        if (counts is null)
        {
            keys.Sort();
        }
        else
        {
            CollectionsMarshal.AsSpan(keys).Sort(CollectionsMarshal.AsSpan(counts));
        }

        for (var i = 0; i < keys.Count; )
        {
            var (start, episodes) = (i, 0);
            for (; i < keys.Count && keys[i] == keys[start]; i++)
            {
                episodes += counts?[i] ?? 1;
            }

            yield return (keys[start], episodes);
        }
    }
}
